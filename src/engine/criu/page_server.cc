// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/page_server.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "engine/criu/page_stream.h"
#include "engine/criu/tools.h"
#include "engine/preload/page_server_address.h"
#include "sys/readable.h"
#include "sys/unix_socket.h"

namespace reprise::engine {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;

namespace {

std::filesystem::path socket_in(const std::filesystem::path& work_dir) {
  return work_dir / "pages.sock";
}

Result<bool> is_criu_of(int connection, const std::filesystem::path& work_dir) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return fail_errno(errno, "asking who connected");
  return peer.uid == ::geteuid() && is_tool(peer.pid, work_dir);
}

}  // namespace

PageServer::PageServer(std::filesystem::path work_dir, image::PageSink& sink,
                       sys::UniqueFd listener, sys::UniqueFd stop)
    : work_dir_(std::move(work_dir)),
      sink_(sink),
      listener_(std::move(listener)),
      stop_(std::move(stop)),
      thread_([this] { served_ = run(); }) {}

Result<std::unique_ptr<PageServer>> PageServer::start(const std::filesystem::path& work_dir,
                                                      image::PageSink& sink) {
  sys::UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) return fail_errno(errno, "making an event");
  sys::UniqueFd listener = REPRISE_PASS(sys::listen_on(socket_in(work_dir), SOCK_STREAM));
  return std::unique_ptr<PageServer>(
      new PageServer(work_dir, sink, std::move(listener), std::move(stop)));
}

PageServer::~PageServer() {
  [[maybe_unused]] const auto ended = finish();
  ::unlink(socket_in(work_dir_).c_str());
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
  // CRIU needs it no more, and a session that is killed leaves nothing behind.
  ::unlink(socket_in(work_dir_).c_str());
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
    const auto never = std::chrono::steady_clock::time_point::max();
    if (REPRISE_PASS(sys::wait_readable(stop_, listener_, never)) == sys::Readable::kFirst)
      return fail(ErrorCode::kGone, "CRIU did not send the memory");
    sys::UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) return fail_errno(errno, "accepting CRIU");
    if (!REPRISE_PASS(is_criu_of(connection.get(), work_dir_))) continue;
    const std::lock_guard lock(mutex_);
    if (stopped_) continue;  // to be told by `stop_`
    connection_ = std::move(connection);
    return {};
  }
}

std::pair<std::string, std::string> page_server_variable(const std::filesystem::path& work_dir) {
  return {preload::kPageServerVariable, socket_in(work_dir).string()};
}

std::string page_server_options() {
  return std::string("page-server\naddress ") + preload::kPageServerAddress + "\nport " +
         std::to_string(preload::kPageServerPort) + "\n";
}

}  // namespace reprise::engine
