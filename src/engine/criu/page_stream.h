// SPDX-License-Identifier: Apache-2.0
//
// The protocol that CRIU speaks to a page server while it dumps (criu/page-xfer.c): for each
// address space, and each piece of shared memory, which pages it has, and the pages.
//
// CRIU before 4.2.1 writes the number of pages with 32 bits, later ones with 64: its first message
// tells which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "base/result.h"
#include "image/criu_pagemap.h"
#include "image/page_sink.h"

namespace reprise::engine {

// Takes what comes on one connection. What CRIU's own page server would write, page maps and files
// of pages, comes to be in `sink` under the same names: maps in its spool, pages as pages.
class PageStream {
 public:
  // Both outlive it.
  PageStream(int fd, image::PageSink& sink) : fd_(fd), sink_(sink) {}

  // Until CRIU says that all came, which it has then been told that we know. Blocks on it and on
  // the sink. Errors are the sink's; kGone if CRIU hung up before; kCorrupt if it is not the
  // protocol, kUnsupported for pages that are not there (of an image before it).
  //
  // After an error of the sink the rest is read and dropped, and CRIU, which stumbles over nothing
  // in the middle so, is told at the end that it failed.
  base::Result<void> serve();

 private:
  struct Message {
    std::uint32_t command = 0;
    std::uint32_t flags = 0;
    std::uint64_t address = 0;
    std::uint64_t pages = 0;
    std::uint64_t space = 0;  // its kind and its number
  };

  base::Result<Message> next();
  base::Result<void> read(std::span<std::byte> out);
  base::Result<void> send(std::span<const std::byte> bytes);
  base::Result<void> send_number(std::int32_t number);

  // Whether more is to come.
  base::Result<bool> handle(const Message& message);
  base::Result<void> open_space(std::uint64_t space);
  base::Result<void> close_space();
  base::Result<void> add(const Message& message);
  base::Result<void> take_pages(std::uint64_t bytes);
  base::Result<void> drop_pages(std::uint64_t bytes);
  // Does a step of the sink's, unless one failed before.
  template <typename Step>
  void keep(Step step);

  int fd_;
  image::PageSink& sink_;
  base::Result<void> kept_{};     // of the sink
  std::size_t header_bytes_ = 0;  // 0: not known yet
  std::set<std::uint64_t> seen_;  // spaces
  std::uint64_t open_ = 0;        // 0: none
  image::CriuPagemap map_;        // of the open one; the numbers of files follow each other
  std::string map_file_;          // where it goes
};

}  // namespace reprise::engine
