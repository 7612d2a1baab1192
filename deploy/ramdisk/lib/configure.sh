# shellcheck shell=dash
# What makes the image this machine: name, network, keys, and where its first start is reported.
#
# TARGET is the mounted root of the new system. It must be one with systemd-networkd; what an image
# brings along for these files is overwritten.

TARGET=${TARGET:-/target}

# configure_target: every step in order. Returns 1 when one could not write its file.
configure_target() {
  write_hostname && write_network && write_resolver && write_keys && write_locale &&
    write_callback
}

write_hostname() {
  printf '%s\n' "$TARGET_HOSTNAME" >"$TARGET/etc/hostname" || return 1
  short_name=${TARGET_HOSTNAME%%.*}
  {
    printf '127.0.0.1\tlocalhost\n'
    if [ "$short_name" = "$TARGET_HOSTNAME" ]; then
      printf '127.0.1.1\t%s\n' "$TARGET_HOSTNAME"
    else
      printf '127.0.1.1\t%s\t%s\n' "$TARGET_HOSTNAME" "$short_name"
    fi
    printf '::1\tlocalhost ip6-localhost ip6-loopback\n'
  } >"$TARGET/etc/hosts"
}

# write_network: by MAC, since the interface's name is for the new system to choose.
write_network() {
  mkdir -p "$TARGET/etc/systemd/network" || return 1
  {
    printf '[Match]\nMACAddress=%s\n\n[Network]\n' "$TARGET_MAC"
    if [ "$NET_DHCP" = yes ]; then
      # The MAC as identifier: the machine keeps the lease it got while it was installed.
      printf 'DHCP=ipv4\n\n[DHCPv4]\nClientIdentifier=mac\n'
    else
      printf 'Address=%s/%s\n' "$NET_ADDRESS" "$NET_PREFIX"
      [ -z "$NET_GATEWAY" ] || printf 'Gateway=%s\n' "$NET_GATEWAY"
      name_servers | sed 's/^/DNS=/'
    fi
  } >"$TARGET/etc/systemd/network/10-octofleet.network"
}

# name_servers: those of the orders, one a line, nothing that is not an address.
name_servers() {
  printf '%s\n' "$NET_DNS" | while IFS= read -r name_server; do
    if is_ipv4 "$name_server"; then printf '%s\n' "$name_server"; fi
  done
}

# write_resolver: only where nothing in the new system does it (systemd-resolved replaces the file
# by a link). With DHCP the name servers are those of the lease this installer has.
write_resolver() {
  [ ! -L "$TARGET/etc/resolv.conf" ] || return 0
  {
    if [ "$NET_DHCP" = yes ] && [ -z "$NET_DNS" ]; then
      cat "$RUN_DIR/resolv.conf" 2>/dev/null || true
    else
      name_servers | sed 's/^/nameserver /'
    fi
  } >"$TARGET/etc/resolv.conf"
}

write_keys() {
  [ -n "$SSH_KEYS" ] || return 0
  (
    umask 077
    mkdir -p "$TARGET/root/.ssh" && printf '%s\n' "$SSH_KEYS" >"$TARGET/root/.ssh/authorized_keys"
  )
}

# write_locale: a time zone is taken only if the image knows it; its name is a path inside zoneinfo.
write_locale() {
  case $LOCALE in
    '' | *[!A-Za-z0-9_.@-]*) ;;
    *) printf 'LANG=%s\n' "$LOCALE" >"$TARGET/etc/default/locale" || return 1 ;;
  esac
  case $TIMEZONE in
    '' | /* | *..* | *[!A-Za-z0-9_/+-]*) return 0 ;;
  esac
  [ -f "$TARGET/usr/share/zoneinfo/$TIMEZONE" ] || return 0
  ln -sf "/usr/share/zoneinfo/$TIMEZONE" "$TARGET/etc/localtime" &&
    printf '%s\n' "$TIMEZONE" >"$TARGET/etc/timezone"
}

# write_callback: the token in it can report for this task, hence mode 0600.
write_callback() {
  (
    umask 077
    mkdir -p "$TARGET/etc/octofleet" &&
      printf 'url %s\ntoken %s\n' "$CALLBACK_URL" "$CALLBACK_TOKEN" \
        >"$TARGET/etc/octofleet/callback"
  )
}
