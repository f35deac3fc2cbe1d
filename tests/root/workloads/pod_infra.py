# SPDX-License-Identifier: Apache-2.0
"""What keeps a pod's namespaces: waits to be told to end, and reaps whom it inherits meanwhile."""
import os
import signal

WANTED = {signal.SIGTERM, signal.SIGCHLD}
signal.pthread_sigmask(signal.SIG_BLOCK, WANTED)
while signal.sigwait(WANTED) != signal.SIGTERM:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
