#include "services/agent/order_desk.h"

#include <fmt/format.h>

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "libs/identity/identity.h"
#include "libs/identity/signed_order.h"
#include "libs/text/view.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// `text` is believed by its SHA-256 in the order: a salt, and the credentials of the job.
absl::Status AddCredentials(const std::string& text, backend_link::Job& job) {
  if (text.empty() && job.credentials_sha256.empty()) return absl::OkStatus();
  if (identity::Sha256Hex(text) != job.credentials_sha256)
    return absl::PermissionDeniedError(
        "the credentials are not those that the order is signed for");
  json::error_code error;
  const auto value = json::parse(text, error);
  const auto* beside = error ? nullptr : value.if_object();
  const auto* credentials = beside == nullptr ? nullptr : beside->if_contains("credentials");
  if (credentials == nullptr) return absl::InvalidArgumentError("credentials: no JSON object");
  json::object whole = backend_link::JobJson(job);
  whole["credentials"] = *credentials;
  auto read = backend_link::ParseJob(whole);
  if (!read.ok()) return read.status();
  job = *std::move(read);
  return absl::OkStatus();
}

}  // namespace

OrderDesk::OrderDesk(const runtime::Clock& clock,
                     runtime::Log log,
                     std::shared_ptr<Metrics> metrics,
                     std::shared_ptr<JobRunner> jobs)
    : clock_(clock), log_(std::move(log)), metrics_(std::move(metrics)), jobs_(std::move(jobs)) {
  Add("job.run", [this](backend_link::Order order) { return RunJob(std::move(order)); });
  Add("job.cancel", [this](backend_link::Order order) { return CancelJob(std::move(order)); });
}

void OrderDesk::Configure(std::string command_key, std::string node_id) {
  command_key_ = std::move(command_key);
  node_id_ = std::move(node_id);
}

absl::StatusOr<backend_link::Order> OrderDesk::Read(const SignedOrder& order) const {
  // Not a character of it is looked at before the signature has been.
  const auto believed = identity::VerifyOrder(command_key_, order.text, order.signature);
  if (!believed.ok()) return believed;
  auto read = backend_link::ParseOrder(order.text);
  if (!read.ok()) return read.status();
  if (read->node_id != node_id_) {
    return absl::PermissionDeniedError("the order is signed for another node");
  }
  if (read->expires_at + limits::kClockTolerance < clock_.Now()) {
    return absl::PermissionDeniedError("expired: the order came too late");
  }
  return read;
}

asio::awaitable<absl::Status> OrderDesk::Take(SignedOrder order) {
  auto read = Read(order);
  absl::Status status = read.status();
  if (status.ok()) {
    read->credentials = std::move(order.credentials);
    status = co_await CarryOut(*std::move(read));
  }
  const bool refused = absl::IsPermissionDenied(status) || absl::IsInvalidArgument(status) ||
                       absl::IsUnimplemented(status);
  metrics_->OrderTaken(status.ok() ? "taken" : refused ? "refused" : "failed");
  if (!refused) co_return status;
  log_.Warning("agent.order_refused",
               {{"task", order.reference}, {"reason", text::Message(status)}});
  // A job's refusal is its result; nobody else's order has one.
  if (!order.reference.empty()) {
    co_return co_await jobs_->RefuseJob(std::move(order.reference), std::move(status));
  }
  co_return status;
}

asio::awaitable<absl::Status> OrderDesk::CarryOut(backend_link::Order order) {
  const auto handler = handlers_.find(order.type);
  if (handler == handlers_.end()) {
    co_return absl::UnimplementedError(
        fmt::format("this agent knows no order of the type {}", order.type));
  }
  co_return co_await handler->second(std::move(order));
}

asio::awaitable<absl::Status> OrderDesk::RunJob(backend_link::Order order) {
  const auto* object = order.body.if_contains("job");
  if (object == nullptr || !object->is_object()) {
    co_return absl::InvalidArgumentError("job: is missing");
  }
  auto job = backend_link::ParseJob(object->get_object());
  if (!job.ok()) co_return job.status();
  if (absl::Status added = AddCredentials(order.credentials, *job); !added.ok()) co_return added;
  const auto record = co_await jobs_->StartJob(*std::move(job));
  co_return record.status();
}

asio::awaitable<absl::Status> OrderDesk::CancelJob(backend_link::Order order) {
  const auto* id = order.body.if_contains("jobId");
  if (id == nullptr || !id->is_string()) co_return absl::InvalidArgumentError("jobId: is missing");
  const auto record = co_await jobs_->CancelJob(std::string(id->get_string()));
  // The backend has withdrawn the job before it came here, or it is long forgotten.
  if (absl::IsNotFound(record.status())) co_return absl::OkStatus();
  co_return record.status();
}

}  // namespace tentacle::agent
