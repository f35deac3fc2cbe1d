// SPDX-License-Identifier: Apache-2.0
//
// What a path of the API names.
#pragma once

#include <string>
#include <string_view>

namespace reprise::kube {

// Of "/apis/reprise.dev/v1alpha1/namespaces/x/checkpoints/y/status". What a path does not have is
// empty.
struct ApiPath {
  std::string group, version, namespace_, resource, name, subresource;

  static ApiPath of(std::string_view path);
  // As RBAC names it: "checkpoints/status".
  [[nodiscard]] std::string rbac_resource() const;
  // For people: "checkpoints 'x/y'", "checkpoints in namespace 'x'".
  [[nodiscard]] std::string described() const;
};

}  // namespace reprise::kube
