# shellcheck shell=bash
# What has to be built before anything runs: programs, page, ramdisk, disk image. Each is skipped
# when it is up to date.
#
# To be sourced. The results: TENTACLE_BIN, BACKEND_BIN, WEB_DIR, RAMDISK_DIR, IMAGE_DIR,
# IMAGE_NAME.
# shellcheck disable=SC2034  # They are for the caller.

BUILD_REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib/node.sh
. "$BUILD_REPO/scripts/lib/node.sh"
BUILD_PRESET=${BUILD_PRESET:-release}
TENTACLE_BIN=$BUILD_REPO/build/$BUILD_PRESET/cli/octofleet-tentacle
BACKEND_BIN=$BUILD_REPO/build/$BUILD_PRESET/backend/octofleet-backend
WEB_DIR=$BUILD_REPO/web/dist
RAMDISK_DIR=$BUILD_REPO/build/ramdisk
IMAGE_DIR=$BUILD_REPO/build/images
IMAGE_NAME=debian-12-demo.raw.zst

# build_programs [TARGET...]: both executables, without the tests; and the targets.
build_programs() {
  (
    cd "$BUILD_REPO" || exit 1
    if [ ! -f "build/$BUILD_PRESET/build.ninja" ]; then
      cmake --preset "$BUILD_PRESET" || exit 1
    fi
    cmake --build --preset "$BUILD_PRESET" --target octofleet-tentacle octofleet-backend "$@"
  )
}

# build_page: npm's own lock file decides what is installed; nothing is done when neither it nor a
# source is newer than the result.
build_page() {
  (
    cd "$BUILD_REPO/web" || exit 1
    ensure_node || exit 1
    if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
      npm ci --no-audit --no-fund || exit 1
    fi
    if [ -f dist/index.html ] && [ -z "$(find . -path ./node_modules -prune -o -path ./dist -prune \
      -o -type f -newer dist/index.html -print -quit)" ]; then
      echo 'the page is up to date'
      exit 0
    fi
    npm run build
  )
}

build_ramdisk() {
  "$BUILD_REPO/deploy/ramdisk/build.sh" "$RAMDISK_DIR"
}

build_image() {
  "$BUILD_REPO/scripts/build_demo_image.sh" "$IMAGE_DIR/$IMAGE_NAME"
}
