#!/bin/sh
# Sees to it that there is a Chromium for the tests of the browser script: the one that is there,
# else Debian's package where we may install it, else the one that Playwright brings. $1 is the
# directory of the virtual environment's commands.
set -u
commands=$1

if [ -n "${HABITUE_CHROMIUM:-}" ]; then
    [ -x "$HABITUE_CHROMIUM" ] && exit 0
    echo "HABITUE_CHROMIUM names $HABITUE_CHROMIUM, which is no program." >&2
    exit 1
fi
for each in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$each" >/dev/null 2>&1; then
        exit 0
    fi
done

as_root=no
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
fi
if [ "$as_root" != no ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Debian's Chromium for the tests (once)..."
    export DEBIAN_FRONTEND=noninteractive
    if { $as_root apt-get install -y -qq chromium ||
        { $as_root apt-get update -qq && $as_root apt-get install -y -qq chromium; }; } >/dev/null 2>&1 &&
        command -v chromium >/dev/null 2>&1; then
        exit 0
    fi
fi

echo "Getting Playwright's Chromium for the tests (once)..."
if "$commands/playwright" install chromium >/dev/null 2>&1; then
    exit 0
fi
echo "The tests need Chromium: install it (apt-get install chromium), or set HABITUE_CHROMIUM." >&2
exit 1
