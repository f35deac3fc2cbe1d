// SPDX-License-Identifier: Apache-2.0
//
// Where a Kubernetes API server is, and what we show it to be let in.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/secret_text.h"
#include "sys/unique_fd.h"

namespace reprise::kube {

using base::Result;

// Files are read again as they rotate: they are named here, not kept. Copies share what they hold.
struct Access {
  std::string server;               // "https://10.0.0.1:443", without a slash at its end
  std::string ca_file;              // empty: the host's authorities
  std::string token_file;           // a ServiceAccount's token, or any other
  crypto::SecretText token;         // one that no file holds
  std::string cert_file, key_file;  // both or none
  std::string namespace_;           // ours, or the context's; "default" where nothing says

  // What a kubeconfig has inside of it and libraries want as files (/proc/self/fd/N): memory, which
  // is gone with the process, however that ends.
  std::shared_ptr<const std::vector<sys::UniqueFd>> held;
};

// Of a program in a pod: `host` and `port` are what KUBERNETES_SERVICE_HOST and _PORT say there.
// kNotFound outside of a pod, or where the pod has no token.
Result<Access> in_cluster(
    const std::string& host, const std::string& port,
    const std::filesystem::path& root = "/var/run/secrets/kubernetes.io/serviceaccount");

// Of a kubeconfig; `context` is the current one if empty. kNotFound: the file, or what it names, is
// not there; kInvalidInput: it is no kubeconfig; kUnsupported: it wants a program to be run
// ("exec"), or anything else that we do not do (the hint is the remedy).
Result<Access> from_kubeconfig(const std::filesystem::path& file, const std::string& context = "");

}  // namespace reprise::kube
