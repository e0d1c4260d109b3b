# One image for both: `elb-passthrough serve`, and the probe Pods of the verification (`elb-passthrough probe`).
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/elb-passthrough \
 && /opt/elb-passthrough/bin/pip install --no-cache-dir --constraint requirements-dev.txt '.[images,postgres]'

FROM python:3.13-slim
COPY --from=build /opt/elb-passthrough /opt/elb-passthrough
ENV PATH=/opt/elb-passthrough/bin:$PATH HOST=0.0.0.0
USER 65532:65532
EXPOSE 3000
ENTRYPOINT ["elb-passthrough"]
CMD ["serve"]
