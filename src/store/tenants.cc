// SPDX-License-Identifier: Apache-2.0
#include "store/tenants.h"

#include "store/store_layout.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::store {

namespace {

StoreConfig as_tenant(StoreConfig config, std::string tenant) {
  config.tenant = std::move(tenant);
  return config;
}

}  // namespace

std::string tenant_of_namespace(std::string_view name_space) {
  return "ns." + std::string(name_space);
}

Result<std::vector<StoreConfig>> all_tenants(const StoreConfig& config) {
  std::vector<StoreConfig> all{as_tenant(config, kTenant)};
  const path directory = StoreLayout::tenants_in(config.root);
  if (!REPRISE_PASS(sys::exists(directory))) return all;
  for (const std::string& name : REPRISE_PASS(sys::names_in(directory)))
    if (name != kTenant && base::parse_id(name)) all.push_back(as_tenant(config, name));
  return all;
}

Result<std::vector<StoreConfig>> readable_tenants(const StoreConfig& config) {
  if (config.tenant == kTenant) return all_tenants(config);
  return std::vector{config, as_tenant(config, kTenant)};
}

Result<StoreConfig> holder_of(const StoreConfig& config, const base::CheckpointId& id) {
  if (id.empty()) return config;
  for (StoreConfig& one : REPRISE_PASS(readable_tenants(config)))
    if (REPRISE_PASS(sys::exists(StoreLayout::of(one).sealed(id)))) return std::move(one);
  return config;
}

}  // namespace reprise::store
