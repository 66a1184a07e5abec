#!/bin/sh
# Makes /app/.venv for the image, and takes out what Ringback never reads: two thirds of it. Run by the Dockerfile.
set -eu
python3 -m venv .venv
.venv/bin/pip install --no-cache-dir --no-compile --require-hashes --requirement requirements.lock
.venv/bin/pip uninstall --yes --quiet pip

packages=$(echo "$PWD"/.venv/lib/python3*/site-packages)
cd "$packages"
# Where a number is at home, and who carries it: nobody here asks.
rm -r phonenumbers/geodata phonenumbers/carrierdata
# The tests of the packages.
rm -r alembic/testing gevent/testing gevent/tests greenlet/tests icalendar/tests sqlalchemy/testing zope/interface/tests
# Dates and names of countries in languages that no form is in. English is what Babel falls back to.
for file in babel/locale-data/*.dat; do
    language=$(basename "$file" .dat | cut -d _ -f 1)
    case $language in root | en) continue ;; esac
    ls /app/translations/"$language"*.po > /dev/null 2>&1 || rm "$file"
done
# What compiles C for other packages: those that came are compiled.
rm -r cffi pycparser
# C that was compiled already, hints for editors, and what only a debugger reads.
find . \( -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' \) -delete
find . -name '*.so*' -exec strip --strip-unneeded {} +
# Compiled, all of it, and without the sources: a container cannot keep what it compiles, and with both every module
# is there twice. An error still names file and line; requirements.lock says of which version.
../../../bin/python -m compileall -q -b .
find . -name '*.py' -delete
