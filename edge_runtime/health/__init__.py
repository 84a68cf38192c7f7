"""How the machine and the process are: figures of the hardware, the watchdog, systemd, the log."""
