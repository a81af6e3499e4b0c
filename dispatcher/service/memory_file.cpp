#include "dispatcher/service/memory_file.hpp"

namespace stadion::dispatcher {

wire::result<memory_file> memory_file::open(const std::filesystem::path& folder) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure)
        return wire::make_error(wire::status::unavailable,
                                "cannot make the folder " + folder.string() + ": " + failure.message());
    auto lock = net::file_lock::take(folder / "dispatcher.lock");
    if (!lock) return std::move(lock).error();

    const auto path = folder / "dispatcher.json";
    auto text = net::read_small_file(path);
    if (!text) return std::move(text).error();
    memory content;
    if (*text) {
        auto decoded = decode_memory(**text);
        if (!decoded) {
            auto damaged = std::move(decoded).error();
            damaged.message = path.string() + ": " + damaged.message;
            return damaged;
        }
        content = *std::move(decoded);
    }
    return memory_file(*std::move(lock), path, std::move(content));
}

wire::result<void> memory_file::change(memory next) {
    if (next == content_) return {};
    if (auto written = net::replace_small_file(path_, encode(next)); !written) return written;
    content_ = std::move(next);
    return {};
}

} // namespace stadion::dispatcher
