#include "libs/wire/wake_on_lan.h"

#include "libs/wire/writer.h"

namespace tentacle::wire {

Buffer EmitWakeOnLan(const MacAddress& mac, Bytes password) {
  constexpr int kRepeats = 16;
  Writer out;
  out.Append(kBroadcastMac.octets);
  for (int i = 0; i < kRepeats; ++i)
    out.Append(mac.octets);
  out.Append(password);
  return out.Finish();
}

}  // namespace tentacle::wire
