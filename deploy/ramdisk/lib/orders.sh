# shellcheck shell=dash
# shellcheck disable=SC2034  # Names in capitals are read by the files beside this one.
# The orders: what this machine is to become (docs/protocol.md, section 5).
#
# They are lines `key value`. A value comes from far away and is never given to the shell to read:
# no eval, no source, no unquoted use.

# orders_clear: every name this file sets, empty.
orders_clear() {
  TASK_ID='' CALLBACK_TOKEN='' CALLBACK_URL='' TARGET_HOSTNAME='' TARGET_MAC=''
  IMAGE_URL='' IMAGE_SHA256='' IMAGE_SIZE='' IMAGE_FORMAT='' UNPACKED_SIZE=''
  DISK_SERIAL='' DISK_PATH='' DISK_MIN_SIZE=''
  NET_DHCP='' NET_ADDRESS='' NET_PREFIX='' NET_GATEWAY='' NET_DNS='' SSH_KEYS=''
  LOCALE='' TIMEZONE=''
}

# parse_orders: reads lines from standard input. Unknown keys are ignored. Returns 1 and sets
# ORDERS_REASON for a line that is none.
parse_orders() {
  orders_clear
  while IFS= read -r order_line || [ -n "$order_line" ]; do
    [ -n "$order_line" ] || continue
    case $order_line in
      *[[:cntrl:]]*)
        ORDERS_REASON='the orders hold a control character'
        return 1
        ;;
      *' '*) ;;
      *)
        ORDERS_REASON='the orders hold a line without a value'
        return 1
        ;;
    esac
    order_set "${order_line%% *}" "${order_line#* }"
  done
}

order_set() {
  case $1 in
    task_id) TASK_ID=$2 ;;
    callback_token) CALLBACK_TOKEN=$2 ;;
    callback_url) CALLBACK_URL=$2 ;;
    hostname) TARGET_HOSTNAME=$2 ;;
    mac) TARGET_MAC=$(lower "$2") ;;
    image_url) IMAGE_URL=$2 ;;
    image_sha256) IMAGE_SHA256=$(lower "$2") ;;
    image_size_bytes) IMAGE_SIZE=$2 ;;
    image_format) IMAGE_FORMAT=$2 ;;
    unpacked_size_bytes) UNPACKED_SIZE=$2 ;;
    disk_serial) DISK_SERIAL=$2 ;;
    disk_path) DISK_PATH=$2 ;;
    disk_min_size_bytes) DISK_MIN_SIZE=$2 ;;
    net_dhcp) NET_DHCP=$2 ;;
    net_address) NET_ADDRESS=$2 ;;
    net_prefix) NET_PREFIX=$2 ;;
    net_gateway) NET_GATEWAY=$2 ;;
    net_dns) NET_DNS=$NET_DNS${NET_DNS:+$NEWLINE}$2 ;;
    ssh_key) SSH_KEYS=$SSH_KEYS${SSH_KEYS:+$NEWLINE}$2 ;;
    locale) LOCALE=$2 ;;
    timezone) TIMEZONE=$2 ;;
  esac
}
NEWLINE='
'

lower() {
  printf '%s' "$1" | tr '[:upper:]' '[:lower:]'
}

# is_number TEXT: decimal digits, at most 18, so that the shell's 64 bits hold it.
is_number() {
  case $1 in
    '' | *[!0-9]* | ???????????????????*) return 1 ;;
  esac
}

# is_ipv4 TEXT: four numbers of 0 to 255 with dots.
is_ipv4() {
  case $1 in
    *[!0-9.]* | .* | *. | *..*) return 1 ;;
    *.*.*.*.*) return 1 ;;
    *.*.*.*) ;;
    *) return 1 ;;
  esac
  ipv4_rest=$1.
  while [ -n "$ipv4_rest" ]; do
    ipv4_part=${ipv4_rest%%.*}
    ipv4_rest=${ipv4_rest#*.}
    case $ipv4_part in
      ????*) return 1 ;;
    esac
    [ "$ipv4_part" -le 255 ] || return 1
  done
}

# is_hostname TEXT: RFC 1123 labels, 253 characters at most.
is_hostname() {
  case $1 in
    '' | *[!A-Za-z0-9.-]* | .* | *. | *..* | -* | *- | *.-* | *-.*) return 1 ;;
  esac
  [ "${#1}" -le 253 ]
}

# is_visible TEXT: not empty, and without blanks: fit for one header field or one word of a file.
is_visible() {
  case $1 in
    '' | *[![:graph:]]*) return 1 ;;
  esac
}

# check_orders MAC: are the orders whole, sane, and for the machine with this MAC? Returns 1 and
# sets ORDERS_REASON to a sentence if not.
check_orders() {
  ORDERS_REASON=
  if ! is_visible "$TASK_ID" || ! is_visible "$CALLBACK_TOKEN" || ! split_url "$CALLBACK_URL"; then
    ORDERS_REASON='the orders do not say where to report (task_id, callback_url, callback_token)'
  elif [ "$TARGET_MAC" != "$(lower "$1")" ]; then
    ORDERS_REASON="the orders are for the machine $TARGET_MAC, but this machine is $1"
  elif ! is_hostname "$TARGET_HOSTNAME"; then
    ORDERS_REASON='the hostname of the orders is not a valid one'
  elif ! split_url "$IMAGE_URL"; then
    ORDERS_REASON='the image_url of the orders is not an http address'
  elif ! is_number "$IMAGE_SIZE" || [ "$IMAGE_SIZE" -eq 0 ]; then
    ORDERS_REASON='the orders do not say how large the image is'
  elif ! is_sha256 "$IMAGE_SHA256"; then
    ORDERS_REASON='the orders do not hold a SHA-256 of the image'
  else
    check_optional_orders
  fi
  [ -z "$ORDERS_REASON" ]
}

check_optional_orders() {
  case $IMAGE_FORMAT in
    raw | raw.zst) ;;
    *) ORDERS_REASON="this installer cannot write an image of the format '$IMAGE_FORMAT'" ;;
  esac
  for order_number in "${UNPACKED_SIZE:-0}" "${DISK_MIN_SIZE:-0}"; do
    is_number "$order_number" || ORDERS_REASON='a size in the orders is not a number'
  done
  case $NET_DHCP in
    yes) ;;
    no) check_static_network ;;
    *) ORDERS_REASON='the orders do not say whether the network is by DHCP' ;;
  esac
}

check_static_network() {
  if ! is_ipv4 "$NET_ADDRESS"; then
    ORDERS_REASON='the address of the orders is not an IPv4 address'
  elif ! is_number "$NET_PREFIX" || [ "$NET_PREFIX" -gt 32 ]; then
    ORDERS_REASON='the prefix of the orders is not a number from 0 to 32'
  elif [ -n "$NET_GATEWAY" ] && ! is_ipv4 "$NET_GATEWAY"; then
    ORDERS_REASON='the gateway of the orders is not an IPv4 address'
  fi
}

is_sha256() {
  case $1 in
    *[!0-9a-f]*) return 1 ;;
  esac
  [ "${#1}" -eq 64 ]
}
