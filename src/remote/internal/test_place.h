// SPDX-License-Identifier: Apache-2.0
//
// For tests only: the kinds of places that object_store_test.cc holds to one contract.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "remote/object_store.h"

namespace reprise::remote {

// An empty place for one test.
struct TestPlace {
  std::shared_ptr<void> behind;  // server, directory: goes last
  std::unique_ptr<ObjectStore> objects;
  // Where objects come from if `objects` cannot be written to.
  std::unique_ptr<ObjectStore> writer = nullptr;
  [[nodiscard]] ObjectStore& to() const { return writer != nullptr ? *writer : *objects; }
};

struct PlaceKind {
  std::string name;
  std::function<TestPlace()> make;
};

// Instantiated by the tests of each kind.
class ObjectStoreTest : public testing::TestWithParam<PlaceKind> {
 protected:
  void SetUp() override { place_ = GetParam().make(); }
  ObjectStore& objects() { return *place_.objects; }
  TestPlace place_;
};

inline std::string place_name(const testing::TestParamInfo<PlaceKind>& info) {
  return info.param.name;
}

}  // namespace reprise::remote
