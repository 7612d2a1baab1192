#include "services/agent/core/job_output.h"

#include "services/agent/core/utf8.h"

namespace tentacle::agent {

void JobOutput::Append(std::string_view bytes) {
  total_ += bytes.size();
  if (bytes.size() >= kept_) {
    tail_.assign(bytes.substr(bytes.size() - kept_));
    return;
  }
  // Cut only when twice as much as needed has gathered, so that each octet is moved once on
  // average.
  if (tail_.size() + bytes.size() > 2 * kept_) tail_.erase(0, tail_.size() + bytes.size() - kept_);
  tail_ += bytes;
}

std::string_view JobOutput::Raw() const {
  const std::string_view all = tail_;
  return all.size() <= kept_ ? all : all.substr(all.size() - kept_);
}

std::string JobOutput::Text() const {
  const bool cut = total_ > Raw().size();
  // Where the beginning was cut off it may have been cut inside a character.
  return ReplaceInvalidUtf8(cut && !tail_.empty() ? TailUtf8(Raw(), Raw().size() - 1) : Raw());
}

}  // namespace tentacle::agent
