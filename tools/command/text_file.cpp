#include "tools/command/text_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace stadion::tools {
namespace {

constexpr std::size_t size_max = 64 << 20;
constexpr std::size_t piece_size = 64 * 1024;

} // namespace

wire::result<std::string> read_text_file(const std::string& path) {
    const auto complain = [&](int number) {
        return wire::make_error(wire::status::not_found, path + ": " + std::strerror(number));
    };
    const auto close = [](std::FILE* file) {
        if (file != stdin) std::fclose(file);
    };
    const std::unique_ptr<std::FILE, decltype(close)> file(
        path == "-" ? stdin : std::fopen(path.c_str(), "rb"), close);
    if (!file) return complain(errno);
    std::string text;
    for (;;) {
        const auto before = text.size();
        if (before > size_max)
            return wire::make_error(wire::status::resource_exhausted, path + " is larger than 64 MiB");
        text.resize(before + piece_size);
        const auto size = std::fread(text.data() + before, 1, piece_size, file.get());
        text.resize(before + size);
        if (size != 0) continue;
        if (std::ferror(file.get())) return complain(errno);
        return text;
    }
}

} // namespace stadion::tools
