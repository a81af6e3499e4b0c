#include "dispatcher/service/state_file.hpp"

namespace stadion::dispatcher {

wire::result<state_file> state_file::open(const std::filesystem::path& folder) {
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
    persistent_state content;
    if (*text) {
        auto decoded = decode_state(**text);
        if (!decoded) {
            auto damaged = std::move(decoded).error();
            damaged.message = path.string() + ": " + damaged.message;
            return damaged;
        }
        content = *std::move(decoded);
    }
    return state_file(*std::move(lock), path, std::move(content));
}

wire::result<void> state_file::change(persistent_state next) {
    if (next == content_) return {};
    if (auto written = net::replace_small_file(path_, encode(next)); !written) return written;
    content_ = std::move(next);
    return {};
}

} // namespace stadion::dispatcher
