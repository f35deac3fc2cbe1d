// SPDX-License-Identifier: Apache-2.0
#include "kube/access.h"

#include <fcntl.h>

#include <string_view>

#include "sys/files.h"

namespace reprise::kube {

using base::Error;
using base::ErrorCode;
namespace fs = std::filesystem;

namespace {

std::string without_space(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace

Result<Access> in_cluster(const std::string& host, const std::string& port, const fs::path& root) {
  constexpr std::string_view kHint =
      "run it in a pod with a service account whose token is mounted "
      "(automountServiceAccountToken), or name a kubeconfig";
  if (host.empty() || port.empty())
    return std::unexpected(
        Error(ErrorCode::kNotFound, "no Kubernetes service is announced to this process")
            .with_hint(std::string(kHint)));
  Access access;
  const bool is_ipv6 = host.contains(':') && !host.starts_with('[');
  access.server = "https://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + port;
  access.ca_file = (root / "ca.crt").string();
  access.token_file = (root / "token").string();
  for (const std::string& file : {access.token_file, access.ca_file}) {
    if (const auto opened = sys::open_file(file, O_RDONLY); !opened)
      return std::unexpected(Error(opened.error())
                                 .with_step("reading the pod's service account")
                                 .with_hint(std::string(kHint)));
  }
  const auto name = sys::read_file(root / "namespace", 4096);
  access.namespace_ = name ? without_space(*name) : "default";
  return access;
}

}  // namespace reprise::kube
