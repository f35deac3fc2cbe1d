// SPDX-License-Identifier: Apache-2.0
//
// A remote beside the disk: put and read of one large object, and a copy of the same file with
// fsync, in the same run.
//
// usage: remote-bench URL DIRECTORY [MEGABYTES]
//
// Credentials and endpoint come from the environment (docs/remotes.md). Leaves nothing behind.
#include <openssl/rand.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "remote/open.h"
#include "sys/files.h"

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = std::size_t{64} << 20;

template <typename T>
T or_end(reprise::base::Result<T> result) {
  if (result) {
    if constexpr (std::is_void_v<T>)
      return;
    else
      return std::move(*result);
  }
  std::fprintf(stderr, "remote-bench: %s\n", result.error().message().c_str());
  std::exit(1);
}

double seconds_of(const std::function<void()>& what) {
  const auto begin = std::chrono::steady_clock::now();
  what();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void make(const fs::path& file, std::size_t bytes) {
  std::string piece(std::size_t{1} << 20, '\0');
  std::ofstream out(file, std::ios::binary);
  for (std::size_t done = 0; done < bytes; done += piece.size()) {
    RAND_bytes(reinterpret_cast<unsigned char*>(piece.data()), static_cast<int>(piece.size()));
    out << piece;
  }
}

void run(const std::string& url, const fs::path& directory, std::size_t bytes) {
  const auto remote = or_end(reprise::remote::open_remote({.url = url}));
  const fs::path file = directory / "remote-bench";
  const fs::path copy = directory / "remote-bench.copy";
  const std::string name = "packs/remote-bench.pack";
  make(file, bytes);
  or_end(reprise::sys::sync_path(file));
  for (int round = 0; round < 3; ++round) {
    const double disk = seconds_of([&] {
      fs::copy_file(file, copy);
      or_end(reprise::sys::sync_path(copy));
    });
    fs::remove(copy);
    const double put = seconds_of([&] { or_end(remote->put_file(name, file, {})); });
    std::string piece(std::min(kPiece, bytes), '\0');
    const double read = seconds_of([&] {
      for (std::size_t at = 0; at < bytes; at += piece.size()) {
        const auto out =
            std::as_writable_bytes(std::span(piece)).first(std::min(piece.size(), bytes - at));
        or_end(remote->read(name, at, out));
      }
    });
    or_end(remote->remove(name));
    std::printf("copy and fsync %6.2f s   put %6.2f s (x%.2f)   read %6.2f s (x%.2f)\n", disk, put,
                put / disk, read, read / disk);
  }
  fs::remove(file);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: remote-bench URL DIRECTORY [MEGABYTES]\n");
    return 2;
  }
  const std::size_t megabytes = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1000;
  run(argv[1], argv[2], megabytes << 20);
  return 0;
}
