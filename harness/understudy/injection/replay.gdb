# SPDX-License-Identifier: Apache-2.0
# For a replayed experiment. Without the hook `quit` would kill the machine, and nobody would see the outcome.
set confirm off
set architecture armv7
define hook-quit
  python
try:
    gdb.execute("detach")
except gdb.error:
    pass  # the experiment has ended already
  end
end
