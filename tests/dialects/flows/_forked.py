"""Runs programs in children of a process that has imported mlflow once, which costs more than most of them.

A line of JSON on standard input names a program, its folder, its environment and the file for what it prints;
a line on standard output is its exit code.
"""

import json
import os
import runpy
import signal
import sys

import mlflow  # noqa: F401

answers = os.fdopen(os.dup(1), "w", buffering=1)
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        break
    answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
else:
    sys.exit()

signal.alarm(600)  # ends this program alone, whatever it waits for
said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(said, 1)
os.dup2(said, 2)
os.environ.clear()
os.environ.update(asked["environment"])
os.chdir(asked["folder"])
runpy.run_path(asked["program"], run_name="__main__")
