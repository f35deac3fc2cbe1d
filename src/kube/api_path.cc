// SPDX-License-Identifier: Apache-2.0
#include "kube/internal/api_path.h"

#include <vector>

namespace reprise::kube {

namespace {

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  path = path.substr(0, path.find('?'));
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (slash != 0) segments.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return segments;
}

}  // namespace

ApiPath ApiPath::of(std::string_view path) {
  const std::vector<std::string> segments = segments_of(path);
  ApiPath result;
  std::size_t at = 0;
  const auto next = [&] { return at < segments.size() ? segments[at++] : std::string(); };
  if (next() == "apis") result.group = next();
  result.version = next();
  result.resource = next();
  // "namespaces/x" is an object itself, "namespaces/x/pods" a collection in it.
  if (result.resource == "namespaces" && segments.size() > at + 1) {
    const std::string name = next();
    const bool of_itself = segments[at] == "status" || segments[at] == "finalize";
    if (of_itself) {
      result.name = name;
      result.subresource = next();
      return result;
    }
    result.namespace_ = name;
    result.resource = next();
  }
  result.name = next();
  result.subresource = next();
  return result;
}

std::string ApiPath::rbac_resource() const {
  return subresource.empty() ? resource : resource + "/" + subresource;
}

std::string ApiPath::described() const {
  if (!name.empty())
    return rbac_resource() + " '" + (namespace_.empty() ? name : namespace_ + "/" + name) + "'";
  return rbac_resource() + (namespace_.empty() ? "" : " in namespace '" + namespace_ + "'");
}

}  // namespace reprise::kube
