// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/page_server.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "engine/criu/page_stream.h"
#include "engine/criu/tools.h"
#include "engine/preload/page_server_address.h"
#include "sys/unix_socket.h"

namespace reprise::engine {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;

PageServer::PageServer(PageServerPlace place, image::PageSink& sink, sys::UniqueFd listener,
                       sys::UniqueFd stop)
    : place_(std::move(place)),
      sink_(sink),
      listener_(std::move(listener)),
      stop_(std::move(stop)),
      thread_([this] { served_ = run(); }) {}

Result<std::unique_ptr<PageServer>> PageServer::start(PageServerPlace place,
                                                      image::PageSink& sink) {
  sys::UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) return fail_errno(errno, "making an event");
  sys::UniqueFd listener = REPRISE_PASS(sys::listen_on(place.socket, SOCK_STREAM));
  return std::unique_ptr<PageServer>(
      new PageServer(std::move(place), sink, std::move(listener), std::move(stop)));
}

PageServer::~PageServer() {
  [[maybe_unused]] const auto ended = finish();
  ::unlink(place_.socket.c_str());
}

Result<void> PageServer::finish() {
  if (!thread_.joinable()) return served_;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    // What is in the socket is read first, and with it that all came.
    if (connection_.valid()) ::shutdown(connection_.get(), SHUT_RDWR);
  }
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
  return served_;
}

Result<void> PageServer::run() {
  REPRISE_PASS(accept());
  // CRIU needs it no more.
  ::unlink(place_.socket.c_str());
  Result<void> served = PageStream(connection_.get(), sink_).serve();
  // CRIU may wait for an answer, with the tasks standing still. After the last one it does not.
  if (!served) {
    const std::lock_guard lock(mutex_);
    ::shutdown(connection_.get(), SHUT_RDWR);
  }
  return served;
}

Result<void> PageServer::accept() {
  for (;;) {
    auto connection =
        REPRISE_TRY(sys::accept_own(listener_.get(), stop_.get()), "waiting for CRIU");
    if (!connection) return fail(ErrorCode::kGone, "CRIU did not send the memory");
    if (!is_tool(connection->peer, place_.work_dir)) continue;
    const std::lock_guard lock(mutex_);
    if (stopped_) continue;  // to be told by `stop_`
    connection_ = std::move(connection->fd);
    return {};
  }
}

std::pair<std::string, std::string> page_server_variable(const std::filesystem::path& socket) {
  return {preload::kPageServerVariable, socket.string()};
}

std::string page_server_options() {
  return std::string("page-server\naddress ") + preload::kPageServerAddress + "\nport " +
         std::to_string(preload::kPageServerPort) + "\n";
}

}  // namespace reprise::engine
