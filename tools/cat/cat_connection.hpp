// One connection of the debug client: frames out, frames in, and every byte of both shown when asked for.
// Sends block; receiving is driven by whoever polls `descriptor`.
//
// Threading: one thread. Bounds: the input buffer holds one frame of at most 16 MiB.
#pragma once

#include "wire/frame.hpp"
#include "wire/proto/handshake.pb.h"
#include "wire/result.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace stadion::tools {

class cat_connection {
public:
    enum class direction : std::uint8_t { sent, received };
    // Every frame, whole, as it goes over the connection.
    using tap = std::function<void(direction, std::string_view bytes)>;

    // UNAVAILABLE, saying what could not be reached and why. Waits at most `within_ms` for the server to
    // accept.
    static wire::result<cat_connection> connect(const std::string& address, int within_ms);
    explicit cat_connection(int descriptor) noexcept : descriptor_(descriptor) {}
    cat_connection(cat_connection&& other) noexcept;
    cat_connection& operator=(cat_connection&& other) noexcept;
    ~cat_connection();

    int descriptor() const noexcept { return descriptor_; }
    tap on_bytes;

    wire::result<void> send(std::string_view bytes);
    wire::result<void> send_frame(const wire::frame_header& header, std::string_view body,
                                  const v1::Metadata* metadata = nullptr);

    // Takes what has arrived and hands over each whole frame. UNAVAILABLE once the peer has closed,
    // INVALID_ARGUMENT for bytes that are not the protocol.
    wire::result<void> receive(const std::function<void(const wire::frame&)>& on_frame);

private:
    int descriptor_ = -1;
    std::string input_;
};

} // namespace stadion::tools
