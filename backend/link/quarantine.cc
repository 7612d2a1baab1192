#include "backend/link/quarantine.h"

#include <algorithm>
#include <utility>

#include <absl/time/clock.h>

#include "libs/async/on_pool.h"
#include "libs/backend_link/messages.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;

// Of one tentacle; whoever copies a machine ten times sees it from two as well.
constexpr std::ptrdiff_t kMaxOfOne = 2;
// How often a clone that stays is written down again.
constexpr absl::Duration kNote = absl::Seconds(30);
constexpr char kReason[] =
    "another machine is connected with the same key: this one is probably a copy of it. Delete its "
    "tentacle.key and enroll it anew";

}  // namespace

asio::awaitable<void> Quarantine::Keep(SessionPtr session) {
  const auto same = [node = session->node_id](const SessionPtr& one) {
    return one->node_id == node;
  };
  if (std::count_if(sessions_.begin(), sessions_.end(), same) >= kMaxOfOne) {
    parts_.metrics.Session("clone_refused");
    co_return session->socket->Close();
  }
  sessions_.push_back(session);
  parts_.metrics.Session("quarantined");
  parts_.metrics.Quarantined(sessions_.size());
  parts_.log.Warning("hub.quarantined",
                     {{"node", session->node_id}, {"address", session->address}});
  backend_link::Message message;
  message.type = "quarantine";
  message.body["reason"] = kReason;
  co_await parts_.courier.Send(session, std::move(message));
  bool holder_is_near = co_await Record(session, true);
  absl::Time noted = absl::Now();
  while (holder_is_near) {
    const auto text = co_await session->socket->Read();
    if (!text.ok()) break;
    parts_.metrics.Message("up", "any", "quarantined");
    if (absl::Now() - noted < kNote) continue;
    noted = absl::Now();
    holder_is_near = co_await Record(session, true);
  }
  session->socket->Close();
  std::erase(sessions_, session);
  parts_.metrics.Quarantined(sessions_.size());
  co_await Record(session, false);
}

void Quarantine::Release(int node_id) {
  for (const SessionPtr& session : sessions_) {
    if (session->node_id == node_id) session->socket->Close();
  }
}

// False: the holder of the identity is far away.
asio::awaitable<bool> Quarantine::Record(SessionPtr session, bool connected) {
  auto record = [this, session, connected] {
    return parts_.store.RecordClone(session->node_id, session->address, session->instance,
                                    connected);
  };
  const auto near = co_await async::OnPool(parts_.blocking, record);
  parts_.live.Publish({"node", std::to_string(session->node_id)});
  co_return near.ok() ? *near : true;
}

}  // namespace tentacle::backend
