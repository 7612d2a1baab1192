#include "libs/wire/tftp.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "libs/wire/writer.h"

namespace tentacle::wire {

namespace {

// The text up to the next NUL, which is taken too; nothing when there is none or it is too long.
std::optional<std::string> TakeText(Reader* in) {
  std::string text;
  while (in->remaining() > 0 && text.size() <= kMaxTftpTextBytes) {
    const std::uint8_t octet = in->U8();
    if (octet == 0) return text;
    text.push_back(static_cast<char>(octet));
  }
  return std::nullopt;
}

void Lower(std::string* text) {
  for (char& c : *text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

absl::Status ParseOptionList(Reader* in, TftpOptionList* options) {
  while (in->remaining() > 0) {
    auto name = TakeText(in);
    // Old ROMs leave rubbish behind the mode: a name that is not ended ends the list (field notes
    // G33).
    if (!name.has_value() || name->empty()) return absl::OkStatus();
    auto value = TakeText(in);
    if (!value.has_value()) return absl::InvalidArgumentError("TFTP: an option without a value");
    if (options->size() >= kMaxTftpOptions)
      return absl::InvalidArgumentError("TFTP: too many options");
    Lower(&*name);
    options->emplace_back(*std::move(name), *std::move(value));
  }
  return absl::OkStatus();
}

absl::StatusOr<TftpPacket> ParseRequest(Reader in, bool write) {
  auto file = TakeText(&in);
  if (!file.has_value())
    return absl::InvalidArgumentError("TFTP: the file name is not ended or too long");
  auto mode = TakeText(&in);
  if (!mode.has_value()) return absl::InvalidArgumentError("TFTP: the mode is not ended");
  TftpRequest request{write, *std::move(file), *std::move(mode), {}};
  Lower(&request.mode);
  if (absl::Status status = ParseOptionList(&in, &request.options); !status.ok()) return status;
  return TftpPacket(std::move(request));
}

void EmitText(std::string_view text, Writer* out) {
  out->Text(text);
  out->U8(0);
}

void EmitOptions(const TftpOptionList& options, Writer* out) {
  for (const auto& [name, value] : options) {
    EmitText(name, out);
    EmitText(value, out);
  }
}

void EmitOpcode(TftpOpcode opcode, Writer* out) {
  out->U16(static_cast<std::uint16_t>(opcode));
}

struct Emitter {
  Writer& out;

  void operator()(const TftpRequest& request) const {
    EmitOpcode(request.write ? TftpOpcode::kWriteRequest : TftpOpcode::kReadRequest, &out);
    EmitText(request.file, &out);
    EmitText(request.mode, &out);
    EmitOptions(request.options, &out);
  }

  void operator()(const TftpData& data) const {
    EmitOpcode(TftpOpcode::kData, &out);
    out.U16(data.block);
    out.Append(data.data);
  }

  void operator()(const TftpAck& ack) const {
    EmitOpcode(TftpOpcode::kAck, &out);
    out.U16(ack.block);
  }

  void operator()(const TftpError& error) const {
    EmitOpcode(TftpOpcode::kError, &out);
    out.U16(static_cast<std::uint16_t>(error.code));
    EmitText(error.message, &out);
  }

  void operator()(const TftpOack& oack) const {
    EmitOpcode(TftpOpcode::kOack, &out);
    EmitOptions(oack.options, &out);
  }
};

}  // namespace

absl::StatusOr<TftpPacket> ParseTftp(Bytes bytes) {
  Reader in(bytes);
  const auto opcode = static_cast<TftpOpcode>(in.U16());
  if (!in.ok()) return absl::OutOfRangeError("TFTP: truncated");
  switch (opcode) {
    case TftpOpcode::kReadRequest:
      return ParseRequest(in, false);
    case TftpOpcode::kWriteRequest:
      return ParseRequest(in, true);
    case TftpOpcode::kOack: {
      TftpOack oack;
      if (absl::Status status = ParseOptionList(&in, &oack.options); !status.ok()) return status;
      return TftpPacket(std::move(oack));
    }
    case TftpOpcode::kData:
    case TftpOpcode::kAck:
    case TftpOpcode::kError:
      break;
    default:
      return absl::InvalidArgumentError("TFTP: unknown opcode");
  }
  const std::uint16_t number = in.U16();
  if (!in.ok()) return absl::OutOfRangeError("TFTP: truncated");
  if (opcode == TftpOpcode::kAck) return TftpPacket(TftpAck{number});
  if (opcode == TftpOpcode::kError) {
    return TftpPacket(TftpError{static_cast<TftpErrorCode>(number), TakeText(&in).value_or("")});
  }
  const Bytes rest = in.Take(in.remaining());
  return TftpPacket(TftpData{number, Buffer(rest.begin(), rest.end())});
}

Buffer EmitTftp(const TftpPacket& packet) {
  Writer out;
  std::visit(Emitter{out}, packet);
  return out.Finish();
}

}  // namespace tentacle::wire
