# shellcheck shell=bash
# A Node.js that is new enough for the page's tools. Debian 12 has 18, they want 20.19 (web/package.json,
# "engines"); the npm registry carries Node.js itself as a package, which lands below build/ and touches
# nothing else.
#
# To be sourced.

NODE_REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
NODE_VERSION=22.23.3
NODE_DIR=$NODE_REPO/build/node

# node_is_new_enough: the one on the PATH is 20.19 or newer.
node_is_new_enough() {
  local version
  version=$(node --version 2>/dev/null) || return 1
  [ "$(printf '%s\n' 20.19.0 "${version#v}" | sort -V | head -n 1)" = 20.19.0 ]
}

# ensure_node: afterwards `node` is new enough.
ensure_node() {
  local cpu package
  node_is_new_enough && return 0
  case $(uname -m) in
    x86_64) cpu=x64 ;;
    aarch64) cpu=arm64 ;;
    *)
      echo "node: $(uname -m) has no package; install Node.js 20.19 or newer" >&2
      return 1
      ;;
  esac
  package=node-linux-$cpu
  if [ "$("$NODE_DIR/node_modules/$package/bin/node" --version 2>/dev/null)" != "v$NODE_VERSION" ]; then
    echo "node: $(node --version 2>/dev/null || echo 'none') is too old for the page: fetching $NODE_VERSION"
    mkdir -p "$NODE_DIR"
    npm install --prefix "$NODE_DIR" --no-save --no-audit --no-fund "$package@$NODE_VERSION" || return 1
  fi
  PATH=$NODE_DIR/node_modules/$package/bin:$PATH
  export PATH
  node_is_new_enough
}
