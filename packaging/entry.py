"""The frozen program's first lines: what the bootloader changed for us is not handed on to programs we start.

PyInstaller's bootloader points LD_LIBRARY_PATH at the libraries it brings (the user's value is kept in
LD_LIBRARY_PATH_ORIG), and on Windows does the same with SetDllDirectory. Both are inherited: an exec credential plugin, or a
program of `watch --exec`, would be started with our libssl. This process needs neither once it runs: the dynamic
linker has read the variable, and Windows finds a module's libraries beside it.
https://pyinstaller.org/en/stable/common-issues-and-pitfalls.html#launching-external-programs-from-the-frozen-application
"""

import os
import sys

from kubectl_oom.__main__ import main

if "LD_LIBRARY_PATH_ORIG" in os.environ:
    os.environ["LD_LIBRARY_PATH"] = os.environ.pop("LD_LIBRARY_PATH_ORIG")
else:
    os.environ.pop("LD_LIBRARY_PATH", None)
for name in [name for name in os.environ if name.startswith("_PYI_")]:
    # With these a `kubectl oom` started by a program we start takes itself for a part of this one.
    del os.environ[name]
if sys.platform == "win32":
    import ctypes

    ctypes.windll.kernel32.SetDllDirectoryW(None)

sys.exit(main())
