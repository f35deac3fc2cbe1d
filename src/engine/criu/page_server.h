// SPDX-License-Identifier: Apache-2.0
//
// Where CRIU sends the memory of a dump, instead of writing it into files.
//
// A UNIX socket: over TCP, the only way that CRIU knows, a dump stands still for 150 to 200 ms
// longer (TCP_CORK). `reprise-pages.so`, preloaded into CRIU, connects it there.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "base/result.h"
#include "image/page_sink.h"
#include "sys/unique_fd.h"

namespace reprise::engine {

struct PageServerPlace {
  std::filesystem::path socket;
  std::filesystem::path work_dir;  // of the CRIU that may connect (see tool_processes())
};

// Serves one connection, of a process of root's that has the work directory, by a thread of its
// own.
class PageServer {
 public:
  // `sink` must outlive it, and be left alone until finish().
  static base::Result<std::unique_ptr<PageServer>> start(PageServerPlace place,
                                                         image::PageSink& sink);
  ~PageServer();
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;
  PageServer(PageServer&&) = delete;
  PageServer& operator=(PageServer&&) = delete;

  // What came of it; to be called when CRIU has said that all came, or has ended: a connection that
  // still stands is cut. kGone if there was none, or CRIU hung up too early; see
  // PageStream::serve() for the others. The same with each call.
  base::Result<void> finish();

 private:
  PageServer(PageServerPlace place, image::PageSink& sink, sys::UniqueFd listener,
             sys::UniqueFd stop);
  base::Result<void> run();
  base::Result<void> accept();

  PageServerPlace place_;
  image::PageSink& sink_;
  sys::UniqueFd listener_;
  sys::UniqueFd stop_;  // an eventfd
  std::mutex mutex_;
  bool stopped_ = false;
  sys::UniqueFd connection_;
  base::Result<void> served_{};  // when the thread has ended
  std::thread thread_;
};

// For runc, which CRIU inherits them from.
std::pair<std::string, std::string> page_server_variable(const std::filesystem::path& socket);
// For CRIU's configuration. Nobody else can be reached there, should the library be missing.
std::string page_server_options();

}  // namespace reprise::engine
