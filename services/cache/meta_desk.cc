#include "services/cache/meta_desk.h"

#include <fmt/format.h>

#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace asio = boost::asio;

struct MetaDesk::Question {
  explicit Question(const asio::any_io_executor& home)
      : answered(home, asio::steady_timer::time_point::max()) {}

  asio::steady_timer answered;  // Cancelled when the answer is there.
  std::optional<absl::StatusOr<v1::Image>> answer;
};

asio::awaitable<absl::StatusOr<v1::Image>> MetaDesk::Ask(Origin origin, std::string image_id) {
  if (const auto at = absent_.find(image_id); at != absent_.end()) {
    if (clock_.Now() < at->second)
      co_return absl::NotFoundError(fmt::format("the backend has no image {}", image_id));
    absent_.erase(at);
  }
  std::shared_ptr<Question> question;
  if (const auto at = questions_.find(image_id); at != questions_.end()) {
    question = at->second;
  } else {
    if (questions_.size() >= limits::kMetaQuestions) {
      co_return absl::ResourceExhaustedError("too many images are asked for at once");
    }
    question = std::make_shared<Question>(home_);
    questions_[image_id] = question;
    // Detached: who asked first may go away, the others still want the answer.
    auto run = Run(question, std::move(origin), std::move(image_id));
    asio::co_spawn(home_, std::move(run), asio::detached);
  }
  if (!question->answer)
    co_await question->answered.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!question->answer) co_return absl::CancelledError("stopped");
  co_return *question->answer;
}

asio::awaitable<void> MetaDesk::Run(std::shared_ptr<Question> question,
                                    Origin origin,
                                    std::string image_id) {
  auto fetch = [origin = std::move(origin), image_id] { return FetchMeta(origin, image_id); };
  question->answer = co_await async::OnPool(line_, fetch);
  if (absl::IsNotFound(question->answer->status())) RememberAbsent(image_id);
  question->answered.cancel();
  // Those who waited come first: until they have used the answer, who asks now would begin another
  // question.
  co_await asio::post(asio::use_awaitable);
  questions_.erase(image_id);
}

void MetaDesk::RememberAbsent(const std::string& image_id) {
  const absl::Time now = clock_.Now();
  std::erase_if(absent_, [now](const auto& one) { return one.second <= now; });
  if (absent_.size() < limits::kAbsentIds) absent_[image_id] = now + limits::kMetaRemembered;
}

}  // namespace tentacle::cache
