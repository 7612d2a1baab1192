// Of BootDesk: what a machine gets over HTTP — its script, its orders, its answer files.
#include <fmt/format.h>

#include "libs/text/view.h"
#include "services/pxe/boot_desk.h"
#include "services/pxe/core/answers.h"
#include "services/pxe/core/grub_config.h"
#include "services/pxe/core/ipxe_script.h"

namespace tentacle::pxe {

namespace {

namespace asio = boost::asio;

std::string BaseUrl(const BootCall& call) {
  return fmt::format("http://{}:{}", call.our_ip, call.http_port);
}

std::string CallbackUrl(const BootCall& call, const std::string& task_id) {
  return fmt::format("{}/api/v1/provisioning/tasks/{}/events", BaseUrl(call), task_id);
}

// Ubuntu's kernel fetches the image itself, so its address is on the command line.
bool NeedsImageToBoot(BootKind kind) {
  return kind == BootKind::kUbuntuAutoinstall;
}

}  // namespace

std::string BootDesk::Obstacle(const TrackedTask& task, BootKind kind) const {
  for (const std::string& file : NeededFiles(kind, task.task)) {
    if (!parts_.folder.Has(file))
      return fmt::format("{} is missing in the boot folder of the tentacle", file);
  }
  if (!task.has_secrets && NeedsSecrets(kind))
    return "the task's passwords are not kept over a restart; waiting for the backend's word";
  return "";
}

asio::awaitable<bool> BootDesk::BeginBoot(ScriptRequest request) {
  const absl::Time now = Now();
  loops_.Forget(request.mac);
  if (!table_.BeginBoot(request.mac, request.call.asker.address, now)) {
    if (const TrackedTask* task = table_.Find(request.mac)) {
      Alert(*task, "boot_loop", task->progress.message());
      Ended(boots_.Close(request.mac, task->progress.message(), false, now));
      SettleLater(*task);
    }
    co_return false;
  }
  table_.Step(request.mac, BootStep::kScriptFetched, now);
  const TrackedTask* task = table_.Find(request.mac);
  if (task == nullptr) co_return true;
  Timeline(*task, "script", fmt::format("{} fetched its script", request.loader));
  // Also when nothing has changed: the process may have been killed between the table and the
  // record.
  const TrackedTask begun = *task;
  // A full disk is told by health and metrics; the machine boots all the same.
  const absl::Status settled = co_await Settle(begun);
  static_cast<void>(settled);
  co_return true;
}

BootDesk::Plan BootDesk::Changed(const TrackedTask* task) {
  Plan plan;
  if (task == nullptr) return plan;
  plan.what = Plan::Do::kWait;  // It asks again, and is told about the task that it has now.
  plan.reason = "the task of this machine has just changed";
  return plan;
}

asio::awaitable<BootDesk::Plan> BootDesk::PlanBoot(ScriptRequest request) {
  Plan plan;
  const TrackedTask* task = table_.Find(request.mac);
  if (!enabled_ || task == nullptr) co_return plan;
  const auto kind = KindOf(task->task.os_type());
  if (!kind || !NeedsNetworkBoot(task->progress)) {
    plan.what = Plan::Do::kLocalBoot;
    co_return plan;
  }
  const std::string id = task->task.id();
  plan.what = Plan::Do::kWait;
  if (request.boots) plan.reason = table_.CheckMachine(request.mac, request.identity);
  if (!plan.reason.empty()) {
    const bool news = table_.SetMessage(request.mac, plan.reason, Now());
    if (news) Alert(*task, "wrong_machine", plan.reason);
    if (news) SettleLater(*task);
    co_return plan;
  }
  if (auto shared = PlanShared(*task, request.boots)) co_return *std::move(shared);
  plan.reason = Obstacle(*task, *kind);
  if (!plan.reason.empty()) {
    if (request.boots) co_await Tell(request.mac, plan.reason);
    co_return plan;
  }
  if (NeedsImageToBoot(*kind)) {
    const auto image = co_await ImageOf(task->task.image_id(), request.call);
    if (!image.ok()) {
      plan.reason = text::Message(image.status());
      if (request.boots) co_await Tell(request.mac, plan.reason);
      co_return plan;
    }
    plan.context.image_url = image->url;
    // While the cache was asked the task may have gone.
    task = table_.Find(request.mac);
    if (task == nullptr || task->task.id() != id || !NeedsNetworkBoot(task->progress))
      co_return Changed(task);
  }
  if (request.boots) {
    const bool begun = co_await BeginBoot(request);
    // While it was written down the task may have gone.
    task = table_.Find(request.mac);
    if (task == nullptr || task->task.id() != id) co_return Changed(task);
    if (!begun || !NeedsNetworkBoot(task->progress)) {
      plan.what = Plan::Do::kLocalBoot;
      co_return plan;
    }
  }
  parts_.log.Info(
      "pxe.script_served",
      {{"task", task->task.id()}, {"mac", request.mac.ToString()}, {"boots", request.boots}});
  plan.what = Plan::Do::kBoot;
  plan.kind = *kind;
  plan.task = task->task;
  plan.context.base_url = BaseUrl(request.call);
  plan.context.answers_url =
      fmt::format("{}/answers/{}", plan.context.base_url, table_.AnswerToken(*task));
  plan.context.token = table_.BootToken(*task);
  plan.context.mac = request.mac;
  if (*kind == BootKind::kWindows)
    plan.context.drivers = parts_.folder.List(DriverFolder(task->task));
  co_return plan;
}

asio::awaitable<std::optional<std::string>> BootDesk::Script(ScriptRequest request) {
  const std::string base = BaseUrl(request.call);
  const wire::MacAddress mac = request.mac;
  const Plan plan = co_await PlanBoot(std::move(request));
  switch (plan.what) {
    case Plan::Do::kNothing:
      co_return std::nullopt;
    case Plan::Do::kLocalBoot:
      co_return LocalBootScript();
    case Plan::Do::kWait:
      co_return WaitingScript(base, mac, plan.reason);
    case Plan::Do::kBoot:
      break;
  }
  co_return BootScript(plan.kind, plan.task, plan.context);
}

asio::awaitable<std::optional<std::string>> BootDesk::GrubScript(ScriptRequest request) {
  request.loader = "GRUB";
  const Plan plan = co_await PlanBoot(std::move(request));
  switch (plan.what) {
    case Plan::Do::kNothing:
      co_return std::nullopt;
    case Plan::Do::kLocalBoot:
      co_return GrubLocalBoot();
    case Plan::Do::kWait:
      co_return GrubWaiting(plan.reason);
    case Plan::Do::kBoot:
      break;
  }
  auto config = GrubConfig(plan.kind, plan.task, plan.context);
  if (!config)
    config = GrubWaiting(
        "Windows cannot be installed over the Secure Boot chain; switch Secure Boot off");
  co_return config;
}

asio::awaitable<absl::StatusOr<ImageFacts>> BootDesk::ImageOf(std::string image_id, BootCall call) {
  if (image_id.empty()) co_return ImageFacts();
  const auto image = co_await parts_.cache.GetImage(image_id);
  if (!image.ok()) {
    co_return absl::UnavailableError(
        fmt::format("the image cannot be served yet: {}", text::Message(image.status())));
  }
  // Relay mode: straight from the backend, whatever was kept here before.
  const bool direct = !image->direct_url().empty();
  if (!direct && image->image().state() == cache::v1::IMAGE_STATE_FAILED) {
    co_return absl::UnavailableError(
        fmt::format("the image cannot be served: {}", image->image().reason()));
  }
  const std::string ours =
      fmt::format("http://{}:{}/images/{}", call.our_ip, image->http_port(), image_id);
  co_return ImageFacts{
      direct ? image->direct_url() : ours,  image->image().sha256(), image->image().size_bytes(),
      image->image().unpacked_size_bytes(), image->image().format(), image->image().name(),
      direct ? "backend" : "cache"};
}

Refusal BootDesk::RefuseOrders(OrdersVerdict verdict, const std::string& address) {
  const bool used = verdict == OrdersVerdict::kUsedUp;
  parts_.metrics.Orders(used ? "used_up" : "unknown_token");
  parts_.log.Warning("pxe.orders_refused",
                     {{"address", address}, {"reason", used ? "used up" : "unknown token"}});
  if (used)
    return {410, "these orders have been fetched already; restart the machine to begin anew"};
  return {403, "no open task has this token; restart the machine to begin anew"};
}

asio::awaitable<std::variant<std::string, Refusal>> BootDesk::Orders(std::string token,
                                                                     BootCall call) {
  const std::string address = call.asker.address;
  const TrackedTask* task = nullptr;
  OrdersVerdict verdict = table_.JudgeOrders(token, address, Now(), &task);
  if (verdict != OrdersVerdict::kGranted) co_return RefuseOrders(verdict, address);
  if (const auto shared = RefuseShared(*task)) {
    parts_.metrics.Orders("shared");
    co_return *shared;
  }
  const wire::MacAddress mac = task->mac;
  const auto image = co_await ImageOf(task->task.image_id(), call);
  if (!image.ok()) {
    parts_.metrics.Orders("image_unavailable");
    co_await Tell(mac, std::string(text::Message(image.status())));
    co_return Refusal{503, std::string(text::Message(image.status()))};
  }
  // Judged anew: while the cache was asked somebody else may have used the token, or the machine
  // started over.
  verdict = table_.JudgeOrders(token, address, Now(), &task);
  if (verdict != OrdersVerdict::kGranted) co_return RefuseOrders(verdict, address);
  // The table may change while this is written down.
  const TrackedTask granted = *table_.Redeem(mac, address, Now());
  Timeline(granted, "orders", fmt::format("given to {}", address));
  Timeline(granted, "image", fmt::format("{} from the {}", image->name, image->source));
  if (absl::Status status = co_await Settle(granted); !status.ok()) {
    parts_.metrics.Orders("not_durable");
    co_return Refusal{503, std::string(status.message())};
  }
  // While they were written down the task may have been cancelled.
  if (!IsStillWanted(granted)) co_return RefuseOrders(OrdersVerdict::kUnknownToken, address);
  parts_.metrics.Orders("granted");
  parts_.log.Info("pxe.orders_given",
                  {{"task", granted.task.id()}, {"mac", mac.ToString()}, {"address", address}});
  co_return RenderOrders(
      granted.task, {table_.CallbackToken(granted), CallbackUrl(call, granted.task.id()), *image});
}

Refusal BootDesk::RefuseAnswer(AnswerVerdict verdict,
                               const TrackedTask* task,
                               std::string_view name,
                               const Asker& asker) {
  if (verdict == AnswerVerdict::kUsedUp) {
    parts_.metrics.Answer("used_up");
    parts_.log.Warning("pxe.answer_refused",
                       {{"address", asker.address}, {"file", name}, {"reason", "used up"}});
    return {410, "this answer file is gone; restart the machine to begin anew"};
  }
  if (verdict == AnswerVerdict::kOtherMachine) {
    parts_.metrics.Answer("other_machine");
    // The one who asks knows the token, so he listened or looked; a person should know.
    Alert(*task, "answer_asked_by_another",
          fmt::format("{} asked for {} of this machine and was refused", asker.address, name));
    return {403, "this answer file is for another machine"};
  }
  parts_.metrics.Answer("unknown");
  return {404, "there is nothing here"};
}

asio::awaitable<std::variant<AnswerReply, Refusal>> BootDesk::Answer(std::string token,
                                                                     std::string name,
                                                                     BootCall call) {
  const TrackedTask* task = nullptr;
  AnswerVerdict verdict = table_.JudgeAnswer(token, name, call.asker, Now(), &task);
  const auto kind = task == nullptr ? std::nullopt : KindOf(task->task.os_type());
  const AnswerFile* file = kind ? FindAnswer(*kind, name) : nullptr;
  if (verdict == AnswerVerdict::kGranted && file == nullptr) verdict = AnswerVerdict::kUnknownToken;
  if (verdict != AnswerVerdict::kGranted) co_return RefuseAnswer(verdict, task, name, call.asker);
  if (const auto shared = RefuseShared(*task)) {
    parts_.metrics.Answer("shared");
    co_return *shared;
  }
  const wire::MacAddress mac = task->mac;
  if (file->secret && !task->has_secrets) {
    parts_.metrics.Answer("no_secrets");
    co_return Refusal{
        503, "the task's passwords are not kept over a restart; waiting for the backend's word"};
  }
  const auto image = co_await ImageOf(task->task.image_id(), call);
  if (!image.ok()) {
    parts_.metrics.Answer("image_unavailable");
    co_await Tell(mac, std::string(text::Message(image.status())));
    co_return Refusal{503, std::string(text::Message(image.status()))};
  }
  verdict = table_.JudgeAnswer(token, name, call.asker, Now(), &task);
  if (verdict != AnswerVerdict::kGranted) co_return RefuseAnswer(verdict, task, name, call.asker);
  const TrackedTask granted =
      *table_.RedeemAnswer(mac, name, call.asker.address, file->begins_installation, Now());
  Timeline(granted, "answer", fmt::format("{} given to {}", name, call.asker.address));
  if (absl::Status status = co_await Settle(granted); !status.ok()) {
    parts_.metrics.Answer("not_durable");
    co_return Refusal{503, std::string(status.message())};
  }
  if (!IsStillWanted(granted))
    co_return RefuseAnswer(AnswerVerdict::kUnknownToken, nullptr, name, call.asker);
  parts_.metrics.Answer("granted");
  parts_.log.Info("pxe.answer_given", {{"task", granted.task.id()},
                                       {"mac", mac.ToString()},
                                       {"file", name},
                                       {"address", call.asker.address}});
  AnswerContext context;
  context.answers_url = fmt::format("{}/answers/{}", BaseUrl(call), table_.AnswerToken(granted));
  context.callback_url = CallbackUrl(call, granted.task.id());
  context.callback_token = table_.CallbackToken(granted);
  context.image = *image;
  context.salt = table_.Salt(granted);
  if (*kind == BootKind::kWindows) context.drivers = parts_.folder.List(DriverFolder(granted.task));
  co_return AnswerReply{file->render(granted.task, context), std::string(file->content_type)};
}

}  // namespace tentacle::pxe
