// SPDX-License-Identifier: Apache-2.0
//
// The API server by way of kubectl, which knows every manner of saying who one is.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::kubectl {

class Api {
 public:
  // As kubectl's options of these names; empty: as kubectl does without.
  Api(const std::string& kubeconfig, const std::string& context);

  // kNotFound, kDenied, kGone (it is there already); kIo with kubectl's words.
  [[nodiscard]] base::Result<nlohmann::json> get(const std::string& path) const;
  [[nodiscard]] base::Result<std::vector<nlohmann::json>> list(const std::string& path) const;
  // nullopt where we are not let.
  [[nodiscard]] base::Result<std::optional<std::vector<nlohmann::json>>> list_if_let(
      const std::string& path) const;
  [[nodiscard]] base::Result<nlohmann::json> create(const std::string& path,
                                                    const nlohmann::json& object) const;
  // The context's.
  [[nodiscard]] base::Result<std::string> own_namespace() const;

 private:
  [[nodiscard]] base::Result<std::string> run(const std::vector<std::string>& more,
                                              std::string_view input = {}) const;

  std::vector<std::string> words_;
};

}  // namespace reprise::kubectl
