// SPDX-License-Identifier: Apache-2.0
//
// What an Access names, read again as it rotates.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "crypto/secret_text.h"
#include "http/client.h"
#include "kube/access.h"

namespace reprise::kube {

// For any number of threads.
class Credentials {
 public:
  static Result<std::unique_ptr<Credentials>> open(Access access, http::Patience patience);

  // Connections with what the files say, or said a minute ago at most. Whoever has one may use it
  // on when there is another.
  Result<std::shared_ptr<http::Client>> connections();
  // Reads the files now, because the server refused `used`. Whether connections() is another one
  // since.
  bool renew(const http::Client* used);

  [[nodiscard]] const Access& access() const { return access_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Read {
    std::string ca, cert;
    crypto::SecretText key, token;
    [[nodiscard]] bool same(const Read& other) const;
  };
  Credentials(Access access, http::Patience patience)
      : access_(std::move(access)), patience_(patience) {}
  [[nodiscard]] Result<Read> read() const;
  [[nodiscard]] Result<std::shared_ptr<http::Client>> connect(const Read& with) const;
  Result<void> refresh();

  const Access access_;
  const http::Patience patience_;
  std::mutex lock_;
  Read read_;
  Clock::time_point looked_;
  std::shared_ptr<http::Client> client_;
};

}  // namespace reprise::kube
