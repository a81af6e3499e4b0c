// The debug client at work: one connection, the methods learnt from it, and the lines carried out one after
// the other. Threading: the console's thread.
#pragma once

#include "tools/cat/cat.hpp"
#include "tools/cat/cat_connection.hpp"
#include "tools/cat/cat_line.hpp"
#include "tools/cat/method_catalog.hpp"
#include "tools/command/console.hpp"

#include <chrono>
#include <optional>

namespace stadion::tools {

class cat_session {
public:
    cat_session(const cat_options& wanted, console& terminal);

    // Connects, greets and learns the methods.
    wire::result<void> open();

    // False when the line could not be carried out; that was said on standard error.
    bool run(std::string_view line);
    bool is_ended() const noexcept { return ended_; }

    // What may stand where `word` is.
    std::vector<std::string> complete(std::string_view before, std::string_view word) const;

private:
    struct reply {
        wire::status code = wire::status::ok;
        std::string body;
        std::uint32_t server_us = 0;
        std::chrono::steady_clock::duration round_trip{};
    };

    wire::result<void> learn();
    bool refuse(const wire::error& failure);
    bool run_call(const cat_call& call);
    bool run_directive(const cat_directive& directive);
    bool send_raw(std::string_view bytes);
    bool set(bool& option, const cat_directive& directive);
    bool set_seen(const std::string& text);
    bool set_number(const cat_directive& directive);
    void help();
    void list();
    wire::result<reply> ask(const wire::method& method, std::string_view body);
    wire::result<void> exchange(std::uint16_t method, std::string_view body);
    void on_frame(const wire::frame& frame);
    void on_event(const wire::frame& frame);
    void show(cat_connection::direction which, std::string_view bytes);

    cat_options wanted_;
    console& console_;
    std::optional<cat_connection> connection_;
    std::unique_ptr<method_catalog> catalog_;
    v1::Metadata metadata_;
    std::optional<wire::error> broken_; // why the connection cannot be used any more
    bool greeted_ = false;
    bool ended_ = false;
    std::uint64_t next_id_ = 1;
    std::uint64_t current_ = 0; // the call being waited for
    const wire::method* current_method_ = nullptr;
    std::optional<reply> answer_;
};

} // namespace stadion::tools
