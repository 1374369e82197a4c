# Install PufferLib beside springdrift, given the folder of an environment's programs; run from the root.
#
# PufferLib says that it wants numpy below 2 and gymnasium at most 0.29.1, but runs with the newer ones that springdrift
# needs, so its dependencies are installed as pinned, without asking it. It is built from source against the torch that is there:
# - with pip's own isolated build a second torch, with all of CUDA, is fetched first;
# - its games fetch raylib and Box2D from the internet while they are built: NO_OCEAN leaves them out;
# - without them its setup.py lacks a name, c_extension_paths, which is given here for as long as it is built;
# - torch for the processor alone must find no compiler of CUDA on the way.
set -e
bin=$(cd "$1" && pwd)
pins=tests/frameworks/pufferlib.txt
grep -v '^pufferlib==' $pins >"$bin/../rest.txt"
"$bin/python" -m pip install --quiet --no-deps -r "$bin/../rest.txt"
name=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/build_pufferlib.pth
trap 'rm -f "$name"' EXIT
echo 'import builtins; builtins.c_extension_paths = []' >"$name"
PATH=$bin:/usr/bin:/bin NO_OCEAN=1 "$bin/python" -m pip install --quiet --no-build-isolation --no-deps "$(grep '^pufferlib==' $pins)"
