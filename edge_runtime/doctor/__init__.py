"""`gemel-edge doctor`: looks at a box from outside its running process and says what is wrong and what to do.

It changes nothing, and may run beside the box. One file per thing that is looked at; each yields findings.
"""
