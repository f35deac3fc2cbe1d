// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "crypto/secret.h"
#include "kube/access.h"
#include "kube/base64.h"
#include "sys/files.h"

namespace reprise::kube {

using base::Error;
using base::ErrorCode;
using base::fail;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kKubeconfigLimit = std::size_t{4} << 20;

// What it says that we do not do, each with what helps.
struct Refused {
  const char* field;
  const char* remedy;
};
constexpr std::array kRefusedOfUsers{
    Refused{"exec",
            "give a kubeconfig with a token, tokenFile or client certificate, such as one "
            "of a service account (kubectl create token)"},
    Refused{"auth-provider", "give a kubeconfig with a token, tokenFile or client certificate"},
    Refused{"username", "the API server no longer takes passwords: use a token or certificate"},
    Refused{"as", "grant the rights to the user itself"},
};
constexpr std::array kRefusedOfClusters{
    Refused{"insecure-skip-tls-verify", "name the authority (certificate-authority)"},
    Refused{"tls-server-name", "use the host name that the server's certificate has"},
    Refused{"proxy-url", "set HTTPS_PROXY for the process instead"},
};

struct Kubeconfig {
  fs::path file;
  YAML::Node root;

  [[nodiscard]] Error wrong(const std::string& what) const {
    return {ErrorCode::kInvalidInput, "'" + file.string() + "' " + what};
  }
};

std::string text_at(const YAML::Node& node, const char* field) {
  if (!node.IsMap()) return {};
  const YAML::Node value = node[field];
  return value && value.IsScalar() ? value.as<std::string>() : std::string();
}

// The entry of that name in a list of {name, KIND: {…}}.
Result<YAML::Node> entry(const Kubeconfig& config, const char* list, const char* kind,
                         const std::string& name) {
  const YAML::Node entries = config.root[list];
  if (entries && entries.IsSequence()) {
    for (const YAML::Node& one : entries) {
      if (text_at(one, "name") != name) continue;
      if (YAML::Node found = one[kind]; found && found.IsMap()) return found;
    }
  }
  return fail(ErrorCode::kNotFound,
              "'" + config.file.string() + "' has no " + kind + " '" + name + "'");
}

template <std::size_t N>
Result<void> refuse(const YAML::Node& node, const std::array<Refused, N>& refused,
                    const std::string& whose) {
  for (const Refused& one : refused) {
    const YAML::Node value = node[one.field];
    if (!value || value.IsNull() || (value.IsScalar() && value.as<std::string>() == "false"))
      continue;
    return std::unexpected(
        Error(ErrorCode::kUnsupported, whose + " wants '" + one.field + "', which is not supported")
            .with_hint(one.remedy));
  }
  return {};
}

// A file in memory that only this process can name.
Result<sys::UniqueFd> hold(std::string_view bytes) {
  sys::UniqueFd memory(::memfd_create("reprise-kubeconfig", MFD_CLOEXEC));
  if (!memory.valid()) return base::fail_errno(errno, "making a file in memory");
  REPRISE_PASS(sys::write_at(memory.get(), 0, std::as_bytes(std::span(bytes))));
  return memory;
}

// `field`, a file beside the kubeconfig, or FIELD-data, its contents.
Result<std::string> file_of(const Kubeconfig& config, const YAML::Node& node,
                            const std::string& field, std::vector<sys::UniqueFd>& held) {
  const std::string data = text_at(node, (field + "-data").c_str());
  if (!data.empty()) {
    std::optional<std::string> bytes = from_base64(data);
    if (!bytes) return std::unexpected(config.wrong("has '" + field + "-data' that is no base64"));
    Result<sys::UniqueFd> memory = hold(*bytes);
    crypto::wipe(std::as_writable_bytes(std::span(*bytes)));
    if (!memory) return std::unexpected(std::move(memory).error());
    held.push_back(std::move(*memory));
    return "/proc/self/fd/" + std::to_string(held.back().get());
  }
  const std::string file = text_at(node, field.c_str());
  if (file.empty()) return std::string();
  const fs::path found = config.file.parent_path() / file;
  REPRISE_TRY(sys::open_file(found, O_RDONLY), "reading '" + config.file.string() + "'");
  return found.string();
}

Result<void> take_cluster(const Kubeconfig& config, const std::string& name, Access& access,
                          std::vector<sys::UniqueFd>& held) {
  const YAML::Node cluster = REPRISE_PASS(entry(config, "clusters", "cluster", name));
  REPRISE_PASS(refuse(cluster, kRefusedOfClusters, "cluster '" + name + "'"));
  access.server = text_at(cluster, "server");
  while (access.server.ends_with('/')) access.server.pop_back();
  if (!access.server.starts_with("https://"))
    return std::unexpected(config.wrong("has no server 'https://…' for cluster '" + name + "'")
                               .with_hint("credentials are not sent in clear: use https"));
  access.ca_file = REPRISE_PASS(file_of(config, cluster, "certificate-authority", held));
  return {};
}

Result<void> take_user(const Kubeconfig& config, const std::string& name, Access& access,
                       std::vector<sys::UniqueFd>& held) {
  const YAML::Node user = REPRISE_PASS(entry(config, "users", "user", name));
  REPRISE_PASS(refuse(user, kRefusedOfUsers, "user '" + name + "'"));
  access.cert_file = REPRISE_PASS(file_of(config, user, "client-certificate", held));
  access.key_file = REPRISE_PASS(file_of(config, user, "client-key", held));
  if (access.cert_file.empty() != access.key_file.empty())
    return std::unexpected(
        config.wrong("has a client certificate or a key for user '" + name + "', but not both"));
  access.token_file = REPRISE_PASS(file_of(config, user, "tokenFile", held));
  if (access.token_file.empty()) access.token = crypto::SecretText(text_at(user, "token"));
  if (access.cert_file.empty() && access.token_file.empty() && access.token.empty())
    return std::unexpected(config.wrong("has no token and no certificate for user '" + name + "'"));
  return {};
}

Result<Access> read(const Kubeconfig& config, std::string context) {
  if (!config.root.IsMap()) return std::unexpected(config.wrong("is no kubeconfig"));
  if (context.empty()) context = text_at(config.root, "current-context");
  if (context.empty())
    return std::unexpected(
        config.wrong("has no current context").with_hint("name one of its contexts"));
  const YAML::Node chosen = REPRISE_PASS(entry(config, "contexts", "context", context));
  Access access;
  std::vector<sys::UniqueFd> held;
  REPRISE_PASS(take_cluster(config, text_at(chosen, "cluster"), access, held));
  REPRISE_PASS(take_user(config, text_at(chosen, "user"), access, held));
  access.namespace_ = text_at(chosen, "namespace");
  if (access.namespace_.empty()) access.namespace_ = "default";
  access.held = std::make_shared<const std::vector<sys::UniqueFd>>(std::move(held));
  return access;
}

}  // namespace

Result<Access> from_kubeconfig(const fs::path& file, const std::string& context) {
  std::string text = REPRISE_TRY(sys::read_file(file, kKubeconfigLimit), "reading the kubeconfig");
  Kubeconfig config{.file = file, .root = {}};
  try {
    config.root = YAML::Load(text);
    crypto::wipe(std::as_writable_bytes(std::span(text)));
    return read(config, context);
  } catch (const YAML::Exception& problem) {
    // Its message may quote what stands there, so the place alone is told.
    return std::unexpected(config
                               .wrong("is no kubeconfig: the YAML is wrong at line " +
                                      std::to_string(problem.mark.line + 1))
                               .with_hint("see whether 'kubectl config view' can read it"));
  }
}

}  // namespace reprise::kube
