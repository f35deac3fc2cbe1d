// SPDX-License-Identifier: Apache-2.0
//
// For tests only: a certificate authority.
#pragma once

#include <string>

#include "sys/test_directory.h"

namespace reprise::remote {

struct TestCertificate {
  std::string cert_file, key_file;
};

// Has a certificate of its own, below `directory`, and makes others. Uses openssl(1).
class TestAuthority {
 public:
  TestAuthority(const sys::TestDirectory& directory, std::string name);
  [[nodiscard]] const std::string& ca_file() const { return own_.cert_file; }
  // For whom: "DNS:localhost", "IP:127.0.0.1".
  [[nodiscard]] TestCertificate issue(const std::string& name, const std::string& whom) const;

 private:
  [[nodiscard]] TestCertificate files(const std::string& name) const;

  const sys::TestDirectory& directory_;
  std::string name_;
  TestCertificate own_;
};

}  // namespace reprise::remote
