// SPDX-License-Identifier: Apache-2.0
//
// For tests only: a real S3 server with a bucket 'bucket'.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "remote/s3.h"
#include "sys/child.h"
#include "sys/test_directory.h"
#include "sys/unique_fd.h"

namespace reprise::remote {

// Runs until dropped. Ends the test program if REPRISE_S3_SERVER does not name a server that runs.
class TestS3Server {
 public:
  // The one of this process, made with the first call.
  static TestS3Server& instance();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Options for it, impatient as tests are.
  [[nodiscard]] S3Options options(std::string prefix) const {
    return options(std::move(prefix), port_);
  }
  // The same, by way of whatever listens at `port`.
  static S3Options options(std::string prefix, std::uint16_t port);
  // What lies in the bucket.
  [[nodiscard]] std::filesystem::path bucket() const { return data_ / "bucket"; }

 private:
  TestS3Server(std::uint16_t port, sys::TestDirectory& data, sys::Child child);

  std::uint16_t port_;
  sys::TestDirectory& data_;
  sys::Child child_;
};

// A connection to 127.0.0.1; invalid if nobody listens there.
sys::UniqueFd connect_to(std::uint16_t port);

}  // namespace reprise::remote
