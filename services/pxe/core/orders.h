// What a ramdisk is told to do: "key value" lines (docs/protocol.md section 5).
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <cstdint>
#include <string>

namespace tentacle::pxe {

// What the cache knows of the task's image.
struct ImageFacts {
  std::string url;
  std::string sha256;
  std::uint64_t size_bytes = 0;
  std::uint64_t unpacked_size_bytes = 0;
  std::string format;
  std::string name;              // For people.
  std::string source = "cache";  // Or "backend".
};

struct OrderContext {
  std::string callback_token;
  std::string callback_url;
  ImageFacts image;
};

// A value with a control character is left out: one line of orders is one fact.
std::string RenderOrders(const task::v1::BootTask& task, const OrderContext& context);

}  // namespace tentacle::pxe
