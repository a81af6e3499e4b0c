#include "wire/frame.hpp"

#include <bit>
#include <cassert>
#include <cstring>

namespace stadion::wire {
namespace {

template <typename Integer>
Integer swap_if_little(Integer value) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        if constexpr (sizeof value == 2) return static_cast<Integer>(__builtin_bswap16(value));
        if constexpr (sizeof value == 4) return static_cast<Integer>(__builtin_bswap32(value));
        if constexpr (sizeof value == 8) return static_cast<Integer>(__builtin_bswap64(value));
    }
    return value;
}

template <typename Integer>
Integer load(const char* from) noexcept {
    Integer value;
    std::memcpy(&value, from, sizeof value);
    return swap_if_little(value);
}

template <typename Integer>
void store(char* to, Integer value) noexcept {
    value = swap_if_little(value);
    std::memcpy(to, &value, sizeof value);
}

decode_result violation(status code, std::string message) {
    return {decode_status::violation, 0, code, std::move(message)};
}

bool is_known(std::uint8_t kind) noexcept {
    return kind >= static_cast<std::uint8_t>(frame_kind::hello) &&
           kind <= static_cast<std::uint8_t>(frame_kind::goaway);
}

// Splits the payload into metadata and body. False when the metadata claims more bytes than there are.
bool split_payload(frame& out) noexcept {
    if ((out.header.flags & flag_metadata) == 0) {
        out.metadata = {};
        out.body = out.payload;
        return true;
    }
    if (out.payload.size() < 2) return false;
    const std::size_t size = load<std::uint16_t>(out.payload.data());
    if (out.payload.size() - 2 < size) return false;
    out.metadata = out.payload.substr(2, size);
    out.body = out.payload.substr(2 + size);
    return true;
}

} // namespace

decode_result decode(std::string_view bytes, frame& out, std::size_t size_max) {
    if (bytes.size() < 4) return {decode_status::incomplete};
    const std::size_t length = load<std::uint32_t>(bytes.data());
    if (length < frame_length_min || length > frame_length_max)
        return violation(status::invalid_argument,
                         "frame length " + std::to_string(length) + " is not in 16 to 16777215");
    const std::size_t size = 4 + length;
    if (size > size_max)
        return violation(status::resource_exhausted, "frame of " + std::to_string(size) +
                                                         " bytes is larger than the limit of " +
                                                         std::to_string(size_max));
    if (bytes.size() < frame_header_size) return {decode_status::incomplete, size};

    // The header is judged before the payload has arrived, so that a caller gone wrong hears of it at once.
    const auto kind = static_cast<std::uint8_t>(bytes[4]);
    const auto flags = static_cast<std::uint8_t>(bytes[5]);
    if (!is_known(kind) && kind < kind_skippable_from)
        return violation(status::invalid_argument, "unknown frame kind " + std::to_string(kind));
    if ((flags & flags_must_understand) != 0)
        return violation(status::invalid_argument,
                         "frame flags " + std::to_string(flags) + " hold a bit that must be understood");
    if (bytes.size() < size) return {decode_status::incomplete, size};
    if (!is_known(kind)) return {decode_status::skip, size};

    out.header.kind = static_cast<frame_kind>(kind);
    out.header.flags = flags;
    out.header.code = load<std::uint16_t>(bytes.data() + 6);
    out.header.id = load<std::uint64_t>(bytes.data() + 8);
    out.header.budget = load<std::uint32_t>(bytes.data() + 16);
    out.payload = bytes.substr(frame_header_size, size - frame_header_size);
    if (!split_payload(out))
        return violation(status::invalid_argument, "metadata is longer than the frame that holds it");
    return {decode_status::complete, size};
}

void write_header(char* to, const frame_header& header, std::size_t payload_size) noexcept {
    assert(payload_size + frame_length_min <= frame_length_max);
    store(to, static_cast<std::uint32_t>(frame_length_min + payload_size));
    to[4] = static_cast<char>(header.kind);
    to[5] = static_cast<char>(header.flags);
    store(to + 6, header.code);
    store(to + 8, header.id);
    store(to + 16, header.budget);
}

void append_frame(std::string& out, const frame_header& header, std::string_view body) {
    char bytes[frame_header_size];
    write_header(bytes, header, body.size());
    out.append(bytes, sizeof bytes);
    out.append(body);
}

void append_frame(std::string& out, frame_header header, std::string_view metadata, std::string_view body) {
    assert(metadata.size() <= std::numeric_limits<std::uint16_t>::max());
    header.flags |= flag_metadata;
    char bytes[frame_header_size + 2];
    write_header(bytes, header, 2 + metadata.size() + body.size());
    store(bytes + frame_header_size, static_cast<std::uint16_t>(metadata.size()));
    out.append(bytes, sizeof bytes);
    out.append(metadata);
    out.append(body);
}

void rewrite_id_and_budget(char* header, std::uint64_t id, std::uint32_t budget) noexcept {
    store(header + 8, id);
    store(header + 16, budget);
}

} // namespace stadion::wire
