"""How slow this machine is, so that a budget of CPU time means the same on it as where it was set."""

import subprocess
import sys

# Work of the kind that budgets of cold starts are about: code is read, and classes are made of it.
IMPORTS = """
import time
start = time.process_time()
import asyncio, concurrent.futures.process, email.mime.text, http.server, logging.config, unittest.mock
import xml.dom.minidom
print((time.process_time() - start) * 1000)
"""
SET = 75  # CPU ms of this where the budgets were set: two cores with nothing else to do


def slowness() -> float:
    """How many times as long as there, at the least 1: the best of five tries."""
    command = [sys.executable, "-I", "-c", IMPORTS]
    tries = [subprocess.run(command, capture_output=True, text=True, check=True, env={}) for _ in range(5)]
    return max(1, min(float(each.stdout) for each in tries) / SET)
