// SPDX-License-Identifier: Apache-2.0
#include "engine/preload/rpc_request.h"

#include <gtest/gtest.h>

#include <vector>

namespace reprise::engine::preload {
namespace {

using Bytes = std::vector<std::uint8_t>;

// type 1, opts {images_dir_fd 3, log_file "ab", empty_ns 0x40000000, track_mem}, notify_success.
const Bytes kRequest = {0x08, 0x01, 0x12, 0x0f, 0x08, 0x03, 0x4a, 0x02, 'a',  'b', 0xb0,
                        0x02, 0x80, 0x80, 0x80, 0x80, 0x04, 0x58, 0x01, 0x18, 0x01};

TEST(RpcRequest, KeepsNetworksAndNothingElseChanges) {
  Bytes request = kRequest;
  Bytes wanted = request;
  wanted[16] = 0x00;
  keep_networks(request);
  EXPECT_EQ(request, wanted);
}

TEST(RpcRequest, IsLeftAloneWhereItIsCutOff) {
  for (std::size_t size = 0; size < kRequest.size(); ++size) {
    Bytes request(kRequest.begin(), kRequest.begin() + static_cast<std::ptrdiff_t>(size));
    keep_networks(request);
    EXPECT_EQ(request.size(), size);
  }
}

}  // namespace
}  // namespace reprise::engine::preload
