// SPDX-License-Identifier: Apache-2.0
#include "podman/command_edit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace reprise::podman {
namespace {

// Words without spaces in them; IMAGE stands where the image is.
RecordedCommand recorded(const std::string& text) {
  std::istringstream in(text);
  RecordedCommand result;
  for (std::string word; in >> word;) result.words.push_back(word);
  result.image_index =
      static_cast<std::size_t>(std::ranges::find(result.words, "IMAGE") - result.words.begin());
  return result;
}

std::string text_of(const RecordedCommand& command) {
  std::string text;
  for (const std::string& word : command.words) text += (text.empty() ? "" : " ") + word;
  EXPECT_EQ(command.words.at(command.image_index), "IMAGE") << text;
  return text;
}

std::string shared(const std::string& text) {
  return text_of(without_exclusive_options(recorded(text)).value().command);
}

TEST(ExclusiveOptions, AreLeftOut) {
  EXPECT_EQ(shared("podman --root /x run -d --ip 10.88.0.7 --mac-address=92:d0:c6:0a:29:33 "
                   "--pidfile /run/x.pid --name web IMAGE nginx --ip 1"),
            "podman --root /x run -d --name web IMAGE nginx --ip 1");
  EXPECT_EQ(shared("podman run -p 8080:80 -dp 127.0.0.1:81:81/tcp --publish=[::1]:82:82 -- IMAGE"),
            "podman run -d -- IMAGE");
}

TEST(ExclusiveOptions, ThatTwoContainersCanHaveStay) {
  for (const char* text :
       {"podman run -p 80 -p 127.0.0.1::80/udp -P IMAGE", "podman run -dit -e A=b -v /x:/y IMAGE",
        "podman run --network web:alias=db --net host IMAGE -p 80:80",
        "podman create --memory 1g -h name IMAGE"})
    EXPECT_EQ(shared(text), text);
  EXPECT_EQ(shared("podman run --network web:ip=10.88.0.7,alias=db,mac=92:d0:c6:0a:29:33 IMAGE"),
            "podman run --network=web:alias=db IMAGE");
  EXPECT_EQ(shared("podman run --network web:ip=10.88.0.7 IMAGE"),
            "podman run --network=web IMAGE");
}

TEST(ExclusiveOptions, AreToldToPeople) {
  const auto left_out =
      without_exclusive_options(recorded("podman run -dp 80:80 --ip=10.88.0.7 IMAGE"))
          .value()
          .left_out;
  EXPECT_EQ(left_out, (std::vector<std::string>{"--publish 80:80", "--ip 10.88.0.7"}));
}

TEST(OtherVolumes, ReplaceNamedOnes) {
  const auto command = with_other_volumes(
      recorded(
          "podman run -v data:/data:ro -dv data:/again --volume=logs:/logs -v /data:/host "
          "-v /anonymous --mount type=volume,src=data,dst=/m --mount type=bind,src=data,dst=/b "
          "IMAGE -v data:/x"),
      {{"data", "copy-data"}});
  EXPECT_EQ(text_of(command.value()),
            "podman run --volume=copy-data:/data:ro -d --volume=copy-data:/again "
            "--volume=logs:/logs -v /data:/host -v /anonymous "
            "--mount=type=volume,src=copy-data,dst=/m --mount type=bind,src=data,dst=/b "
            "IMAGE -v data:/x");
}

TEST(EditOptions, RefusesACommandThatItCannotRead) {
  RecordedCommand command = recorded("podman run IMAGE");
  command.image_index = 3;
  EXPECT_FALSE(without_exclusive_options(command));
  EXPECT_FALSE(without_exclusive_options(recorded("podman ps IMAGE")));
}

TEST(Size, IsReadAsPodmanDoes) {
  EXPECT_EQ(parse_size("1048576"), 1048576U);
  EXPECT_EQ(parse_size("512m"), 512U << 20);
  EXPECT_EQ(parse_size("1.5G"), 3ULL << 29);
  EXPECT_EQ(parse_size("64KiB"), 64U << 10);
  EXPECT_EQ(parse_size("7b"), 7U);
  EXPECT_EQ(parse_size("0"), 0U);
  for (const char* bad : {"", "m", "12x", "-1", "1mm", "nan", "1e30g"})
    EXPECT_EQ(parse_size(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace reprise::podman
