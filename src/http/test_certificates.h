// SPDX-License-Identifier: Apache-2.0
//
// For tests only: a certificate authority.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sys/child.h"
#include "sys/test_directory.h"

namespace reprise::http {

struct TestCertificate {
  std::string cert_file, key_file;
};

// Has a certificate of its own, below `directory`, and makes others. Uses openssl(1).
class TestAuthority {
 public:
  TestAuthority(const sys::TestDirectory& directory, std::string name)
      : directory_(directory), name_(std::move(name)), own_(files("own")) {
    make(own_, name_, {});
  }
  [[nodiscard]] const std::string& ca_file() const { return own_.cert_file; }
  // For whom: "DNS:localhost", "IP:127.0.0.1".
  [[nodiscard]] TestCertificate issue(const std::string& name, const std::string& whom) const {
    const TestCertificate issued = files(name);
    make(issued, name,
         {"-CA", own_.cert_file, "-CAkey", own_.key_file, "-addext", "subjectAltName=" + whom,
          "-addext", "basicConstraints=critical,CA:FALSE"});
    return issued;
  }

 private:
  static void make(const TestCertificate& files, const std::string& name,
                   const std::vector<std::string>& more) {
    std::vector<std::string> argv{"openssl",
                                  "req",
                                  "-x509",
                                  "-newkey",
                                  "ec",
                                  "-pkeyopt",
                                  "ec_paramgen_curve:P-256",
                                  "-nodes",
                                  "-days",
                                  "2",
                                  "-subj",
                                  "/CN=" + name,
                                  "-out",
                                  files.cert_file,
                                  "-keyout",
                                  files.key_file};
    argv.insert(argv.end(), more.begin(), more.end());
    auto child = sys::Child::spawn({.argv = argv, .env = sys::default_environment()});
    ASSERT_TRUE(child) << child.error().message();
    const auto ended = child->wait();
    ASSERT_TRUE(ended && ended->success()) << "openssl makes no certificate";
  }
  [[nodiscard]] TestCertificate files(const std::string& name) const {
    return {.cert_file = (directory_ / (name_ + "-" + name + ".crt")).string(),
            .key_file = (directory_ / (name_ + "-" + name + ".key")).string()};
  }

  const sys::TestDirectory& directory_;
  std::string name_;
  TestCertificate own_;
};

}  // namespace reprise::http
