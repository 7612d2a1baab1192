// Somebody looks on: what a job writes while it writes it, and the host's figures every second. A
// looker-on never slows down what is looked at: without credit pieces are left out, and the next
// one's offset shows it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "services/agent/core/utf8_stream.h"
#include "services/agent/host_reporter.h"
#include "services/agent/job_runner.h"
#include "services/agent/live_desk.h"

namespace tentacle::agent {

// Home thread. Made by make_shared.
class LiveWatch : public std::enable_shared_from_this<LiveWatch> {
 public:
  LiveWatch(boost::asio::any_io_executor home,
            LiveDesk& live,
            std::shared_ptr<JobRunner> jobs,
            std::shared_ptr<HostReporter> host);

  // Takes the messages of the live channel, and the runner's output, from here on.
  void Start();
  void Stop();

 private:
  struct Watch {
    std::string job_id;  // Empty: the host's figures.
    std::size_t under_way = 0;
    Utf8Stream out;
    Utf8Stream error;
  };

  void Open(const boost::json::object& body);
  static boost::asio::awaitable<void> SendSoFar(std::shared_ptr<LiveWatch> self,
                                                std::string id,
                                                std::string job_id);
  static boost::asio::awaitable<void> SendFigures(std::shared_ptr<LiveWatch> self, std::string id);
  void OnOutput(const std::string& job_id,
                OutputStream stream,
                std::uint64_t offset,
                std::string_view bytes);
  void SendPiece(const std::string& id,
                 OutputStream stream,
                 std::uint64_t offset,
                 std::string text);
  void End(const std::string& id, std::string_view reason);

  boost::asio::any_io_executor home_;
  LiveDesk& live_;
  std::shared_ptr<JobRunner> jobs_;
  std::shared_ptr<HostReporter> host_;
  std::map<std::string, Watch> watches_;
};

}  // namespace tentacle::agent
