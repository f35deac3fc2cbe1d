// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/test_certificates.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "sys/child.h"

namespace reprise::remote {
namespace {

void make(const TestCertificate& files, const std::string& name,
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

}  // namespace

TestAuthority::TestAuthority(const sys::TestDirectory& directory, std::string name)
    : directory_(directory), name_(std::move(name)), own_(files("own")) {
  make(own_, name_, {});
}

TestCertificate TestAuthority::files(const std::string& name) const {
  return {.cert_file = (directory_ / (name_ + "-" + name + ".crt")).string(),
          .key_file = (directory_ / (name_ + "-" + name + ".key")).string()};
}

TestCertificate TestAuthority::issue(const std::string& name, const std::string& whom) const {
  const TestCertificate issued = files(name);
  make(issued, name,
       {"-CA", own_.cert_file, "-CAkey", own_.key_file, "-addext", "subjectAltName=" + whom,
        "-addext", "basicConstraints=critical,CA:FALSE"});
  return issued;
}

}  // namespace reprise::remote
