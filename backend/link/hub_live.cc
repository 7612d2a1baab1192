// The part of the hub that knows whose connections are here, and passes on what is not kept:
// shells, lookers-on.
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "backend/link/hub.h"

namespace tentacle::backend {

namespace asio = boost::asio;
using backend_link::Message;

std::optional<absl::Duration> Hub::MayArrive(absl::Time now) {
  const auto later = pace_.Arrive(now, replicas_.fleet());
  if (later) parts_.metrics.Session("too_early");
  return later;
}

SessionPtr Hub::Find(int node_id) const {
  const auto at = sessions_.find(node_id);
  return at == sessions_.end() ? nullptr : at->second;
}

void Hub::Disconnect(const SessionPtr& session) {
  session->socket->Close();
  sessions_.erase(session->node_id);
  TellGone(session->node_id);
  parts_.metrics.Session("replaced_or_revoked");
  parts_.metrics.Online(sessions_.size());
}

bool Hub::TakeLive(int node_id, const Message& message) {
  for (const LiveRoute& route : live_) {
    if (!message.type.starts_with(route.prefix)) continue;
    parts_.metrics.Message("up", route.prefix + "*", "relayed");
    route.handler(node_id, message);
    return true;
  }
  return false;
}

void Hub::TellGone(int node_id) {
  for (const LiveRoute& route : live_)
    route.gone(node_id);
}

void Hub::SendLive(int node_id, Message message) {
  const SessionPtr session = Find(node_id);
  if (!session) return;
  auto send = courier_.Send(session, std::move(message));
  asio::co_spawn(parts_.home, std::move(send), asio::detached);
}

}  // namespace tentacle::backend
