# shellcheck shell=bash
# Three tentacles of one site behind a thin line (tests/netns/cache_site_test.sh): how much of an image comes over it
# for all of them, and how well the limit holds on the wire.
#
# To be sourced after figures.sh and setup.sh, by bench/cache.sh.

SITE_MIB=${SITE_MIB:-64}

# measure_cache_site: BENCH_RUNS runs; returns 1 when one of them failed.
measure_cache_site() {
  local run word name value
  for run in $(seq 1 "$BENCH_RUNS"); do
    progress "three tentacles of one site, run $run"
    CACHE_SITE_FIGURES=yes CACHE_SITE_MIB=$SITE_MIB "$BENCH_REPO/tests/netns/cache_site_test.sh" "$TENTACLE_BIN" \
      "$BACKEND_BIN" >"$BENCH_DIR/site.log" 2>&1 || return 1
    while read -r word name value; do
      [ "$word" != sample ] || sample "$name" "$value"
    done <"$BENCH_DIR/site.log"
  done
}

# report_cache_site: the table, and the figures. Without peers three copies would come over the line; the part above
# one is headers (4.5 %), chunk lists, and what each began with before it saw the others.
report_cache_site() {
  table_head 'a site of three tentacles' &&
    row 'over the WAN for all three' site_wan_share 'x the image' &&
    row 'until all three have it' site_ms ms &&
    row 'error of the limiter over 10 s' limiter_error_percent '%' &&
    figure site_wan_share of_image '<=' 1.25 &&
    figure limiter_error_percent percent '<' 5
}
