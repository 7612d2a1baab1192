# shellcheck shell=bash
# To be sourced. FAILED is 1 once something was not as it should be.
FAILED=0

# is TEXT WANT GOT
is() {
  if [ "$2" = "$3" ]; then
    echo "ok - $1"
  else
    echo "not ok - $1: want $2, got $3"
    FAILED=1
  fi
}
