# shellcheck shell=bash
# Samples, their median and spread, the table for people and the lines for programs.
#
# To be sourced. AREA is the area's name; every figure is printed as <area>.<name>.

declare -A SAMPLES
FIGURE_LINES=()

# sample NAME VALUE: one run's value of a figure.
sample() {
  SAMPLES[$1]="${SAMPLES[$1]-} $2"
}

# of_samples NAME: "median lowest highest count", as few decimals as say enough.
of_samples() {
  local value
  [ -n "${SAMPLES[$1]-}" ] || {
    echo "bench: nothing was measured for $1" >&2
    return 1
  }
  for value in ${SAMPLES[$1]}; do printf '%s\n' "$value"; done | sort -g | awk '
    function short(number) {
      return sprintf(whole || number >= 100 ? "%.0f" : number >= 10 ? "%.1f" : "%.2f", number)
    }
    BEGIN { whole = 1 }
    { value[NR] = $1 }
    /[^0-9]/ { whole = 0 }
    END {
      middle = NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2
      print short(middle), short(value[1]), short(value[NR]), NR
    }'
}

# median NAME: the same number as in the table.
median() {
  local of
  of=$(of_samples "$1") || return 1
  printf '%s\n' "${of%% *}"
}

# table_head TITLE
table_head() {
  printf '\n%-44s %10s %-12s %10s %10s %5s\n' "$1" median unit lowest highest runs
}

# row TEXT NAME UNIT: one line of the table.
row() {
  local of
  of=$(of_samples "$2") || return 1
  # shellcheck disable=SC2086  # Four words.
  set -- "$1" "$3" $of
  printf '  %-42s %10s %-12s %10s %10s %5s\n' "$1" "$3" "$2" "$4" "$5" "$6"
}

# figure NAME UNIT OP BOUND: OP is <, <=, > or >=. Kept until figures_print. What is compared is the number that is
# printed, so that a reader comes to the same verdict.
figure() {
  local value verdict
  value=$(median "$1") || return 1
  verdict=$(awk -v value="$value" -v op="$3" -v bound="$4" 'BEGIN {
    met = op == "<" ? value < bound + 0 : op == "<=" ? value <= bound + 0 : op == ">" ? value > bound + 0 : value >= bound + 0
    print met ? "met" : "short"
  }')
  FIGURE_LINES+=("figure $AREA.$1 $value $2 bound $3$4 $verdict")
}

# figures_print: at the end, one line a figure.
figures_print() {
  echo
  printf '%s\n' "${FIGURE_LINES[@]}"
}
